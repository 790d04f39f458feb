"""A vision-language model as a subject: each picture is asked about once, and its answer is kept."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError
from texshape.vlm import questions
from texshape.vlm.answers import FILE, Answers
from texshape.vlm.chat import Client, Reply, address, check_key
from texshape.vlm.settings import VlmSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from texshape.data.imageset import ImageSet


_HOME = "only texshape measure can ask it, since it keeps the answers"


class Interview:
    """Asks a model about pictures; holds no key.

    Parameters
    ----------
    name : str
        Full name of the subject.
    model : str
        As the address knows it.
    wording : str
        One of `questions.WORDINGS`.
    """

    def __init__(self, name: str, model: str, wording: str) -> None:
        self.name, self.model, self.wording = name, model, wording
        self.base = address()
        check_key()
        self.settings = VlmSettings()
        self._client: Client | None = None
        self._answers: Answers | None = None
        self._known: dict[str, str] = {}
        self._used: set[str] = set()

    def begin(
        self, folder: Path, settings: VlmSettings, sets: dict[str, ImageSet] | None = None
    ) -> None:
        """Say where answers are kept and how the model is asked, before the first question.

        Parameters
        ----------
        folder : path
            Of the subject; answers of an earlier run in it are taken up.
        settings : VlmSettings
        sets : mapping of str to ImageSet, optional
            Pictures that have names; others stand in the file by their hash alone.
        """
        self.settings = settings
        self._client = Client(self.name, self.base, self.model, settings)
        self._answers = Answers(folder / FILE)
        for name, images in (sets or {}).items():
            for pixels, image in zip(images.images, images.labels["imagename"], strict=True):
                self._known.setdefault(_hash(pixels.shape, pixels.tobytes()), f"{name}/{image}")

    def about(self) -> dict[str, Any]:
        """All that its answers depend on, as plain values."""
        return {
            "model": self.model,
            "address": self.base,
            "wording": questions.WORDINGS[self.wording],
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
        }

    @property
    def client(self) -> Client:
        """What sends the requests.

        Raises
        ------
        InputError
            If nobody said where answers are kept.
        """
        if self._client is None:
            raise InputError(f"{self.name}: {_HOME}")
        return self._client

    @property
    def kept(self) -> Answers:
        """The file of answers, see `begin`."""
        if self._answers is None:
            raise InputError(f"{self.name}: {_HOME}")
        return self._answers

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Answers to the questions of this run, asked now or earlier."""
        return [one for one in self.kept if one["key"] in self._used]

    def __call__(self, pictures: Sequence[Image], classes: tuple[str, ...]) -> list[str | None]:
        """The class that each picture's answer names; None where it names none, or several.

        Raises
        ------
        StoppedError
            If the address cannot be asked any more; answers so far are kept.
        """
        client, kept = self.client, self.kept
        asked = [self._question(picture, classes) for picture in pictures]
        self._used |= {key for key, _, _ in asked}
        open_ = {
            key: (picture, digest, question)
            for (key, digest, question), picture in zip(asked, pictures, strict=True)
            if kept.get(key) is None
        }
        pool = ThreadPoolExecutor(self.settings.at_once)
        waiting = {
            pool.submit(client.ask, question.text, _data(picture)): (key, digest, question)
            for key, (picture, digest, question) in open_.items()
        }
        try:
            for done in as_completed(tuple(waiting)):
                kept.add(self._record(done.result(), *waiting.pop(done)))
        except BaseException:
            client.halt("was interrupted")
            pool.shutdown()  # what is under way comes to its end
            for done, about in waiting.items():  # these answers were paid for too
                if done.exception() is None and kept.get(about[0]) is None:
                    kept.add(self._record(done.result(), *about))
            raise
        pool.shutdown()
        return [_decided(kept.get(key)) for key, _, _ in asked]

    def unasked(self, pictures: Sequence[Image], classes: tuple[str, ...]) -> list[str]:
        """Keys of the pictures that have no answer yet, each once; all count as questions of this run."""
        keys = dict.fromkeys(self._question(picture, classes)[0] for picture in pictures)
        self._used |= keys.keys()
        return [key for key in keys if self.kept.get(key) is None]

    def _question(
        self, picture: Image, classes: tuple[str, ...]
    ) -> tuple[str, str, questions.Question]:
        digest = _hash((picture.height, picture.width, 3), picture.tobytes())
        question = questions.question(self.wording, classes, digest)
        about = json.dumps([self.about(), question.text, digest], sort_keys=True)
        return hashlib.sha256(about.encode()).hexdigest()[:32], digest, question

    def _record(
        self, reply: Reply, key: str, digest: str, question: questions.Question
    ) -> dict[str, Any]:
        kind, named = questions.named(reply.text, question)
        if reply.finish == "refused":  # the address would not show the picture to the model
            kind, named = questions.NONE, []
        return {
            "key": key,
            "image": self._known.get(digest),
            "picture": digest,
            "wording": self.wording,
            "options": dict(zip(question.labels, question.options, strict=True)),
            "answer": reply.text,
            "kind": kind,
            "named": named,
            "model": reply.model,
            "finish": reply.finish,
            "usage": reply.usage,
            "left_out": list(reply.left_out),
            "seconds": round(reply.seconds, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }


def _hash(shape: Sequence[int], pixels: bytes) -> str:
    return hashlib.sha256(repr(tuple(map(int, shape))).encode() + pixels).hexdigest()[:32]


def _data(picture: Image) -> str:
    """The picture as a `data:` address, without loss."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _decided(record: dict[str, Any] | None) -> str | None:
    if record is None or record["kind"] != questions.ONE:
        return None
    return str(record["named"][0])
