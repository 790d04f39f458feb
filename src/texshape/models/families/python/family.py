"""Whatever network a callable of the user's returns: ``python:MODULE:CALLABLE``."""

from __future__ import annotations

from texshape.models.families.base import CODE, Family

FAMILY = Family(
    name="python",
    form="MODULE:CALLABLE",
    about="a function of yours that returns a network",
    example="`python:MODULE:CALLABLE`, found from the working folder",
    kind=CODE,
    hints={
        ".py": "a file of Python is named python:MODULE:CALLABLE, without its suffix",
        **dict.fromkeys(
            (".h5", ".keras", ".tflite", ".pb"),
            "networks of TensorFlow are not read; convert it to torch and name a function that returns "
            "it, python:MODULE:CALLABLE",
        ),
    },
)
