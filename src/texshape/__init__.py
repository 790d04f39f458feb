"""texshape: how much texture and how much shape a vision network uses, and how much of each it knows.

    frame = texshape.measure(model, transforms)     # or a name: texshape.measure("timm:convnext_tiny")
    texshape.plot_shape_bias(frame)

Importing the package imports nothing else; what is used brings what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texshape.api import measure, plot_shape_bias

__version__ = "0.2.0"
# Of files and JSON that others read: raised when a column or key is renamed, removed or changes its meaning.
FORMAT_VERSION = 2

__all__ = ["FORMAT_VERSION", "__version__", "measure", "plot_shape_bias"]


def __getattr__(name: str) -> Any:
    if name in ("measure", "plot_shape_bias"):
        from texshape import api

        return getattr(api, name)
    raise AttributeError(f"module 'texshape' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
