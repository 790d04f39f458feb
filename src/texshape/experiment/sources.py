"""Kinds of data (``data.kind``), and what each brings to an experiment."""

from __future__ import annotations

from dataclasses import dataclass

#: the image set that every experiment has
CONFLICT = "cue-conflict"
#: what a set is for -> its name, where an experiment has one
ROLES = {
    "conflict": CONFLICT,
    "plain": "test-plain",
    "stylized": "test-stylized",
    "silhouettes": "silhouettes",
    "edges": "edges",
    "textures": "textures",
}


@dataclass(frozen=True)
class Source:
    """What one kind of data brings.

    Attributes
    ----------
    rules : tuple of str
        The files of rules that bring it.
    shown : tuple of str
        Image sets that every network is shown.
    plain : bool
        Whether there are plain test images.
    masks : bool
        Whether the images were drawn, so that their masks are exact and known.
    renderer : bool
        Whether the texture of a stimulus can be faded, and more of them drawn, by the renderer.
    published : bool
        Whether the stimuli are those that humans have been shown.
    silhouettes : bool
        Whether silhouettes tell the shapes of the cue-conflict images, in place of masks.
    """

    rules: tuple[str, ...]
    shown: tuple[str, ...]
    plain: bool = False
    masks: bool = False
    renderer: bool = False
    published: bool = False
    silhouettes: bool = False


_PUBLISHED = (CONFLICT, "edges", "silhouettes")

#: ``data.kind`` -> what it brings
SOURCES = {
    "procedural": Source(
        rules=("data",),
        shown=("test-plain", "test-stylized", "silhouettes", "textures", CONFLICT),
        plain=True,
        masks=True,
        renderer=True,
    ),
    "folder": Source(rules=("photographs", "exemplars"), shown=("test-plain", "edges"), plain=True),
    # Class folders to train on, and the published stimuli beside humans.
    "folder-published": Source(
        rules=("photographs", "published"),
        shown=("test-plain", *_PUBLISHED),
        plain=True,
        published=True,
        silhouettes=True,
    ),
    "published": Source(rules=("published",), shown=_PUBLISHED, published=True, silhouettes=True),
}
