"""Results that lie in a storage: the link to their copies, and what is in its way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from texshape.core import snakemake_private
from texshape.core.snakemake_private import FileRecord, Storage
from texshape.errors import InputError
from texshape.experiment import staging


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


RESULTS, COPIES = Path("results/a"), Path(".snakemake/storage/s3/bucket/results/a")


def test_results_are_a_link_to_the_copies() -> None:
    for _ in range(2):  # every process does it
        staging.link(RESULTS, COPIES)
    (COPIES / "table.csv").write_text("x\n")
    assert (RESULTS / "table.csv").read_text() == "x\n"
    assert not os.path.isabs(os.readlink(RESULTS))  # the project may move


def test_copies_on_another_disk(tmp_path: Path) -> None:
    staging.link(RESULTS, tmp_path / "scratch" / "a")
    assert RESULTS.resolve() == tmp_path / "scratch" / "a"


def test_without_a_storage_nothing_is_made() -> None:
    staging.link(RESULTS, None)
    assert not Path("results").exists()


def test_results_of_before_are_not_touched() -> None:
    RESULTS.mkdir(parents=True)
    (RESULTS / "table.csv").write_text("x\n")
    with pytest.raises(InputError, match="results/a: holds results that are in no storage"):
        staging.link(RESULTS, COPIES)
    assert (RESULTS / "table.csv").read_text() == "x\n"


def test_copies_never_pass_for_results() -> None:
    staging.link(RESULTS, COPIES)
    with pytest.raises(InputError, match="results/a: leads to the copies of a storage"):
        staging.link(RESULTS, None)
    with pytest.raises(InputError, match="results/a: leads to the copies of another storage"):
        staging.link(RESULTS, Path("elsewhere"))


class Provider:
    """A plugin of a storage that has everything."""

    def object(self, query: str) -> Provider:
        one = Provider()
        one.query = query
        return one

    def local_path(self) -> Path:
        return Path(".snakemake/storage/s3") / self.query.removeprefix("s3://")


def test_records_name_files_without_their_storage() -> None:
    storage = Storage(Provider(), "s3://bucket/here/")
    assert storage.copies == ".snakemake/storage/s3/bucket/here/"
    Path(".snakemake").mkdir()
    records = snakemake_private.records_in(storage=storage)
    made = FileRecord(
        rule="train", input=["paper/main.typ", "results/a/set.npy"], log=["logs/a/train.log"],
        input_checksums={"paper/main.typ": "sha256:1", "results/a/set.npy": "sha256:2"},
    )  # fmt: skip
    records.write("results/a/final.pt", made)
    kept = snakemake_private.records_in().read("s3://bucket/here/results/a/final.pt")
    assert kept.input == [
        "paper/main.typ",
        "s3://bucket/here/results/a/set.npy",
    ]  # as Snakemake does
    assert set(kept.input_checksums) == {
        "paper/main.typ", ".snakemake/storage/s3/bucket/here/results/a/set.npy"
    }  # fmt: skip
    assert records.read("results/a/final.pt") == made
    assert snakemake_private.records_in().read("results/a/final.pt") is None
