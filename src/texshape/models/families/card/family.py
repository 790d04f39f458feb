"""What a name cannot say of a network, in a file: a network card, by its path (`texshape.models.cards`)."""

from __future__ import annotations

from texshape.models.families.base import FILE, ModelName, OfFile


class Card(OfFile):
    """A card holds no weights; its network may."""

    def parse(self, text: str, rest: str, expected: str) -> ModelName:
        return ModelName(text, self.name, rest)

    def files(self, name: ModelName) -> list[str]:
        return [name.architecture]


FAMILY = Card(
    name="card",
    form="the path of a network card (.yaml)",
    about="a network of which a name does not say enough",
    example="a [network card](#a-network-card), its path ending in `.yaml`",
    kind=FILE,
    suffixes=(".yaml", ".yml"),
)
