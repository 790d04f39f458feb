"""The paintings to try with come by check sum, and split as paintings should."""

from __future__ import annotations

from texshape.config.images import ImageSettings
from texshape.config.stylize import StyleSettings
from texshape.stylize import paintings
from texshape.stylize.styles import from_folder


def test_list_of_files(tmp_path):
    found = paintings.items(tmp_path)
    assert len(found) == 27
    assert sum("/style/" in item.url for item in found) == 20
    assert all(len(item.sha256) == 64 and item.size > 0 for item in found)


def test_paintings_of_the_mirror(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(mirror))
    paintings.fetch(tmp_path)
    found = from_folder(tmp_path / "style", StyleSettings(size=32), ImageSettings())
    table = found.table.set_index("name")
    assert len(table) == 20
    for name in ("mondrian", "woman_in_peasant_dress"):
        assert table.loc[f"{name}.jpg", "split"] == table.loc[f"{name}_cropped.jpg", "split"]
    assert table.groupby("split")["group"].nunique().to_dict() == {
        "test": 3, "train": 12, "validation": 3,
    }  # fmt: skip
