"""An archive of results: what is in it, what it says of every file, and that it is checked once unpacked."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import deposit_world
from tests.deposit_world import files_in, graph, unpacked
from typer.testing import CliRunner

import texshape
from texshape.cli import deposit as command  # registers the command
from texshape.cli import records as verify_command
from texshape.cli.main import app
from texshape.deposit import archive, check, inputs, listing
from texshape.errors import InputError
from texshape.files import file_sha256
from texshape.records import verification

pytest.importorskip("rocrate", reason="rocrate is not installed")
assert command
assert verify_command

PICTURES = {"figures/contact_sheet.svg", "figures/contact_sheet.png", "paper.pdf", "paper.html"}
BESIDE = {"CITATION.cff", "LICENSE", "README.md", "requirements.lock", "not-included.csv", ".zenodo.json",
          "ro-crate-metadata.json"}  # fmt: skip
STAYS = {"data/base/test.images.npy", "cnn--plain/seed-3/checkpoints/final.pt",
         "cnn--plain/seed-3/trials/cue-conflict.csv", "tracking.json"}  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A clone with the results of one experiment, made once; tests copy it."""
    made: dict[str, Path] = {}

    def place(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            with contextlib.chdir(made[name]):
                deposit_world.clone(Path())
                deposit_world.experiment(name)
        return made[name]

    return place


@pytest.fixture
def finished(
    kept: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Go to a copy of such a clone; returns the folder of results."""

    def go(name: str) -> Path:
        shutil.copytree(kept(name), tmp_path / name)
        monkeypatch.chdir(tmp_path / name)
        return Path("results", name)

    return go


@pytest.fixture
def results(finished: Callable[[str], Path]) -> Path:
    return finished("procedural")


@pytest.fixture
def clone(results: Path) -> str:
    """The commit that made the results."""
    return deposit_world.git(Path(), "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def packed(kept: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, which tests unpack."""
    output = tmp_path_factory.mktemp("packed") / "out.zip"
    archive.write(kept("procedural") / "results/procedural", output)
    return output


@pytest.fixture
def crate(packed: Path, results: Path) -> Path:
    """The unpacked archive, beside the results that it was made of."""
    return unpacked(packed, Path("unpacked"))


def listed(folder: Path) -> dict[str, dict[str, str]]:
    with open(folder / listing.NAME, encoding="utf-8", newline="") as lines:
        return {row["file"]: row for row in csv.DictReader(lines)}


def references(value: object) -> list[str]:
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


# --- what is in it -------------------------------------------------------------------------------


def test_every_recorded_file_is_in_the_archive_or_in_the_list(results: Path, crate: Path) -> None:
    inner = {f"results/procedural/{name}" for name in files_in(results)}
    out = {f"results/procedural/{name}" for name in STAYS}
    assert files_in(crate) == (inner - out) | BESIDE
    rows = listed(crate)
    assert set(rows) == out
    for name, row in rows.items():
        assert (row["sha256"], int(row["bytes"])) == (file_sha256(name), Path(name).stat().st_size)
        assert len(row["why"]) > 20
    for name in inner - out:
        assert (crate / name).read_bytes() == Path(name).read_bytes()


def test_the_lock_is_that_of_the_commit_that_made_the_results(results: Path, clone: str) -> None:
    before = Path("requirements.lock").read_text(encoding="utf-8")
    Path("requirements.lock").write_text("another==1\n", encoding="utf-8")
    deposit_world.git(Path(), "commit", "--quiet", "-am", "Later")
    archive.write(results, "out.zip")
    folder = unpacked(Path("out.zip"), Path("unpacked"))
    assert (folder / "requirements.lock").read_text(encoding="utf-8") == before
    assert clone in (folder / "README.md").read_text(encoding="utf-8")


def test_the_same_results_give_the_same_bytes(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write(results, "one.zip")
    for path in results.rglob("*.csv"):
        path.touch()
    archive.write(results, "two.zip")
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    with zipfile.ZipFile("one.zip") as packed:
        names = packed.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in packed.infolist()} == {0o100644}


# --- what it says --------------------------------------------------------------------------------


def test_required_fields_of_the_crate(crate: Path, clone: str) -> None:
    """By the specification of RO-Crate 1.1 and the profile, read as JSON alone."""
    document = json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = graph(crate)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2026-09-21"
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert "procedural" in root["name"]
    assert clone in root["description"]
    assert entities["https://w3id.org/ro/wfrun/process/0.5"]["version"] == "0.5"
    person, group = (entities[name] for name in references(root["author"]))
    assert (person["@id"], person["@type"]) == ("https://orcid.org/0000-0002-1825-0097", "Person")
    assert (person["name"], person["givenName"]) == ("Lovelace, Ada", "Ada")
    assert entities[person["affiliation"]["@id"]]["name"] == "A university"
    assert (group["@type"], group["name"]) == ("Organization", "The others")
    # Whatever is referred to is described.
    known = {"https://w3id.org/ro/crate/1.1"}
    for entity in entities.values():
        for key, value in entity.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    assert one["@id"] in entities or one["@id"] in known, (entity["@id"], key)


def test_every_file_has_size_sum_and_format(crate: Path) -> None:
    entities = graph(crate)
    files = {name: one for name, one in entities.items() if "File" in one["@type"]}
    assert set(files) == files_in(crate) - {"ro-crate-metadata.json"}
    assert set(references(entities["./"]["hasPart"])) == set(files)
    for name, one in files.items():
        content = (crate / name).read_bytes()
        assert one["contentSize"] == str(len(content))
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["name"]
    formats = {Path(name).suffix: one["encodingFormat"] for name, one in files.items()}
    assert {formats[kind] for kind in (".csv", ".svg", ".png", ".pdf", ".html", ".json")} == {
        "text/csv", "image/svg+xml", "image/png", "application/pdf", "text/html", "application/json",
    }  # fmt: skip
    figure = files["results/procedural/figures/accuracy.svg"]
    assert figure["name"].startswith("Figure accuracy: Accuracy on every test set")
    article = files["results/procedural/paper.html"]
    assert article["@type"] == ["File", "ScholarlyArticle"]
    assert set(references(article["isBasedOn"])) == {
        f"results/procedural/tables/{name}.csv" for name in ("accuracy", "training")
    }


def test_each_job_is_an_action_with_what_it_read_and_made(crate: Path, clone: str) -> None:
    entities = graph(crate)
    actions = [entities[name] for name in references(entities["./"]["mentions"])]
    assert {one["@type"] for one in actions} == {"CreateAction"}
    (software,) = {one["instrument"]["@id"] for one in actions}
    assert entities[software]["@type"] == "SoftwareApplication"
    assert entities[software]["softwareVersion"] == texshape.__version__
    assert entities[software]["identifier"] == clone
    needs = {
        entities[name]["name"] for name in references(entities[software]["softwareRequirements"])
    }
    assert {"python", "torch", "numpy"} <= needs
    made = {name: one for one in actions[1:] for name in references(one["result"])}
    recorded = {name for name in files_in(crate) if name.startswith("results/")}
    levels = (
        "results/procedural/levels.json"  # of `texshape levels`, which is no job, and read by one
    )
    assert set(made) == recorded - {"results/procedural/records.json", levels}
    assert levels in references(made["results/procedural/claims.json"]["object"])
    drawn = made["results/procedural/figures/accuracy.svg"]
    assert drawn["name"] == "Job figures"
    assert drawn["description"] == "texshape run figures --seed 3"
    assert set(references(drawn["object"])) == {
        f"results/procedural/tables/{name}.csv" for name in ("accuracy", "training")
    }
    assert set(references(drawn["result"])) == {
        f"results/procedural/figures/accuracy.{kind}" for kind in ("svg", "png")
    }
    facts = verification.origin(Path("results/procedural/figures/accuracy.svg"))
    assert facts["started"] == deposit_world.STARTED + 60 + 60  # the sixth job, ten seconds each
    assert (drawn["startTime"], drawn["endTime"]) == (
        "2026-09-21T14:15:20+00:00", "2026-09-21T14:15:22+00:00",
    )  # fmt: skip
    whole = actions[0]
    assert {"results/procedural/parameters.json", "requirements.lock"} <= set(
        references(whole["object"])
    )


def test_the_crate_is_read_by_rocrate(crate: Path) -> None:
    from rocrate.rocrate import ROCrate

    read = ROCrate(crate)
    assert {one.id for one in read.data_entities} == files_in(crate) - {"ro-crate-metadata.json"}
    assert read.name == "Results of the experiment procedural, computed by texshape"
    assert read.license["name"] == "CC-BY-4.0"
    assert [one["name"] for one in read.root_dataset["author"]] == ["Lovelace, Ada", "The others"]
    jobs = read.get_by_type("CreateAction")
    assert len(jobs) == len(read.root_dataset["mentions"]) == 10
    table = read.dereference("results/procedural/tables/accuracy.csv")
    makers = [job["name"] for job in jobs if table in (
        job["result"] if isinstance(job["result"], list) else [job["result"]])]  # fmt: skip
    assert makers == ["The experiment procedural as a whole", "Job tabulate_trials"]


def test_what_zenodo_asks_for(crate: Path) -> None:
    fields = json.loads((crate / ".zenodo.json").read_text(encoding="utf-8"))
    assert (fields["upload_type"], fields["access_right"]) == ("dataset", "open")
    assert fields["creators"] == [
        {"name": "Lovelace, Ada", "affiliation": "A university", "orcid": "0000-0002-1825-0097"},
        {"name": "The others"},
    ]
    assert fields["license"] == "cc-by-4.0"
    assert fields["publication_date"] == "2026-09-21"
    assert fields["version"] == texshape.__version__
    assert fields["keywords"] == ["shape bias", "texture bias"]
    assert fields["title"] == graph(crate)["./"]["name"]
    assert fields["related_identifiers"] == [
        {
            "identifier": "https://example.org/study",
            "relation": "isCompiledBy",
            "resource_type": "software",
        }
    ]


# --- published data ------------------------------------------------------------------------------


def test_inputs_have_licence_citation_and_sums_and_no_file(finished: Callable[[str], Path]) -> None:
    found = archive.write(finished("published"), "out.zip")
    folder = unpacked(Path("out.zip"), Path("unpacked"))
    entities = graph(folder)
    used = {one.name: one for one in found.inputs}
    assert {
        "cue-conflict",
        "model-vs-human",
        "refined-bias-shape",
        "critical-band",
        "baker2022",
    } <= set(used)
    for name, one in used.items():
        entity = entities[f"#input-{name}"]
        assert entity["description"] == one.what
        assert entity["conditionsOfAccess"] == one.licence
        assert one.licence.startswith(entities[entity["license"]["@id"]]["name"])
        assert entity["url"].startswith("https://github.com/")
        assert entities[entity["citation"]["@id"]]["@type"] == "ScholarlyArticle"
        assert entity["hasPart"] == {"@id": f"inputs/{name}.csv"}
        with open(folder / f"inputs/{name}.csv", encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert rows
        assert {len(row["sha256"]) for row in rows} == {64}
    assert set(references(entities["./"]["isBasedOn"])) >= {f"#input-{name}" for name in used}
    assert entities["#input-cue-conflict"]["license"] == {
        "@id": "https://creativecommons.org/licenses/by/4.0/"
    }
    # CC BY lets the figure of the stimuli be passed on; it says whose pictures it shows.
    assert found.withheld == ""
    sheet = entities["results/published/figures/contact_sheet.svg"]
    assert set(references(sheet["isBasedOn"])) == {
        f"#input-{name}" for name in ("cue-conflict", "edges", "silhouettes")
    }
    assert "isBasedOn" not in entities["results/published/figures/accuracy.svg"]
    fields = json.loads((folder / ".zenodo.json").read_text(encoding="utf-8"))
    cites = [
        one["identifier"] for one in fields["related_identifiers"] if one["relation"] == "cites"
    ]
    assert "https://arxiv.org/abs/1811.12231" in cites
    assert len(cites) == len(set(cites)) == len(fields["references"])


def test_pictures_without_a_licence_stay_out_unless_asked_for(
    finished: Callable[[str], Path],
) -> None:
    results = finished("cifar10")
    found = archive.write(results, "out.zip")
    folder = unpacked(Path("out.zip"), Path("unpacked"))
    assert "cifar10" in found.withheld
    inner = {name.removeprefix("results/cifar10/") for name in files_in(folder)}
    assert not inner & PICTURES
    assert {"figures/accuracy.svg", "figures/accuracy.png"} <= inner
    rows = listed(folder)
    for name in PICTURES:
        assert "cifar10" in rows[f"results/cifar10/{name}"]["why"]
    assert check.verify(folder)[1] == []
    assert found.withheld in graph(folder)["./"]["description"]
    assert graph(folder)["#input-cifar10"]["sha256"]
    archive.write(results, "all.zip", with_pictures=True)
    everything = files_in(unpacked(Path("all.zip"), Path("all")))
    assert everything - files_in(folder) == {f"results/cifar10/{name}" for name in PICTURES}


@pytest.mark.parametrize(
    ("licence", "address"),
    [
        (
            "CC BY 4.0 (the repository's DATASET_LICENSE)",
            "https://creativecommons.org/licenses/by/4.0/",
        ),
        ("MIT", "https://spdx.org/licenses/MIT"),
        ("none named; downloaded when wanted, not passed on", None),
        ("MITRE", None),
        ("not stated for the pictures (the repository's LICENSE, MIT, names its code)", None),
    ],
)
def test_only_a_licence_that_is_named_lets_pictures_be_passed_on(
    licence: str, address: str | None
) -> None:
    assert inputs.Input("a", "b", "", licence).licence_address == address


def test_what_an_experiment_takes_from_elsewhere_follows_from_its_parameters() -> None:
    names = {
        name: [one.name for one in inputs.used(read_parameters(name))]
        for name in ("procedural", "cifar10", "imagenet")
    }
    assert names["procedural"] == []
    assert names["cifar10"] == ["cifar10", "paintings"]
    assert names["imagenet"][:2] == ["photographs", "cue-conflict"]
    assert names["imagenet"][-2:] == ["styles", "voc2012"]
    given = read_parameters("procedural")
    given["techniques"] = ["configural_shape"]
    assert inputs.used(given) == []
    given["configural_shape"] = {"animals": True}
    assert [one.name for one in inputs.used(given)] == ["baker2022"]


def read_parameters(name: str) -> dict:
    from texshape import parameters
    from texshape.config import whole

    files = ["params.yaml", *([f"experiments/{name}.yaml"] if name != "procedural" else [])]
    read = whole.read([deposit_world.ROOT / file for file in files])
    return parameters.from_json(parameters.to_json(read))


# --- checking it ---------------------------------------------------------------------------------


def test_an_unpacked_archive_is_verified_as_a_whole_and_by_its_results(crate: Path) -> None:
    assert check.verify(crate) == (len(files_in(crate)) - 1, [])
    count, findings = verification.verify(crate / "results/procedural")
    assert findings == []
    # All but the record itself, and what no job made.
    assert count == len(files_in(crate / "results")) - 2
    done = CliRunner().invoke(app, ["verify", str(crate)])
    assert done.exit_code == 0
    assert "all as recorded" in done.stdout


def test_what_is_wrong_with_an_unpacked_archive_is_found(crate: Path) -> None:
    inner = "results/procedural"
    table, figure = f"{inner}/tables/accuracy.csv", f"{inner}/figures/accuracy.svg"
    (crate / table).write_text("model,accuracy\ncnn,0.99\n", encoding="utf-8")
    (crate / figure).unlink()
    (crate / "LICENSE").write_text("none\n", encoding="utf-8")
    (crate / "more.txt").write_text("more", encoding="utf-8")
    found = {(one.state, one.file) for one in check.verify(crate)[1]}
    assert found == {
        ("altered", table),
        ("missing", figure),
        ("altered", "LICENSE"),
        ("unrecorded", "more.txt"),
    }
    found = {(one.state, one.file) for one in verification.verify(crate / inner)[1]}
    assert found == {("altered", table), ("missing", figure)}
    assert CliRunner().invoke(app, ["verify", str(crate)]).exit_code == 1


def test_only_a_file_that_is_listed_as_it_was_recorded_may_lack(crate: Path) -> None:
    path = crate / listing.NAME
    rows = path.read_text(encoding="utf-8")
    weights = next(line for line in rows.splitlines() if "final.pt" in line)
    path.write_text(
        rows.replace(weights, weights.replace(weights.split(",")[2], "0" * 64)), encoding="utf-8"
    )
    found = verification.verify(crate / "results/procedural")[1]
    assert [(one.state, Path(one.file).name) for one in found] == [("missing", "final.pt")]


# --- bad input -----------------------------------------------------------------------------------


def refused(*words: object) -> str:
    """The line that the command ends with; nothing is written."""
    before = files_in(Path())
    done = CliRunner().invoke(app, ["deposit", *map(str, words)])
    assert isinstance(done.exception, InputError), done.output
    assert done.exception.status == 2
    line = str(done.exception)
    assert "\n" not in line
    assert files_in(Path()) == before
    return line


def test_bad_input_is_one_line_and_nothing_is_written(results: Path) -> None:
    assert "records.json: no such file" in refused("nowhere", "-o", "out.zip")
    assert "expected a name that ends in .zip" in refused(results, "-o", "out.tar")
    Path("there.zip").write_text("mine", encoding="utf-8")
    assert "there.zip: exists" in refused(results, "-o", "there.zip")
    assert Path("there.zip").read_text(encoding="utf-8") == "mine"
    assert "none.cff: no such file" in refused(results, "-o", "out.zip", "--citation", "none.cff")
    Path("bad.cff").write_text("title: A\nauthors: []\nlicense: MIT\n", encoding="utf-8")
    assert "bad.cff: authors: expected a list" in refused(
        results, "-o", "o.zip", "--citation", "bad.cff"
    )
    Path("bad.cff").write_text("title: A\nauthors: [{orcid: x}]\nlicense: MIT\n", encoding="utf-8")
    assert "authors[0]: expected name" in refused(results, "-o", "o.zip", "--citation", "bad.cff")
    Path("bad.cff").write_text("title: [", encoding="utf-8")
    assert "not readable YAML" in refused(results, "-o", "out.zip", "--citation", "bad.cff")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tables/accuracy.csv", "model,accuracy\ncnn,0.99\n", "accuracy.csv: altered"),
        ("cnn--plain/seed-3/checkpoints/final.pt", "other", "final.pt: altered"),
        ("data/base/test.images.npy", None, "test.images.npy: missing"),
        ("figures/accuracy.png", None, "accuracy.png: missing"),
        ("paper.pdf", None, "paper.pdf: no such file; expected the results of a finished run"),
    ],
)
def test_results_that_are_not_as_recorded_are_refused(
    results: Path, name: str, content: str | None, says: str
) -> None:
    if content is None:
        (results / name).unlink()
    else:
        (results / name).write_text(content, encoding="utf-8")
    assert says in refused(results, "-o", "out.zip")


def test_a_file_that_nobody_recorded_stays_out(results: Path) -> None:
    (results / "tables" / "mine.csv").write_text("a\n1\n", encoding="utf-8")
    archive.write(results, "out.zip")
    assert not any("mine.csv" in name for name in zipfile.ZipFile("out.zip").namelist())


def test_the_command_says_what_it_wrote_and_what_it_left_out(
    finished: Callable[[str], Path],
) -> None:
    results = finished("cifar10")
    done = CliRunner().invoke(app, ["deposit", str(results), "-o", "out.zip"])
    assert done.exit_code == 0, done.output
    assert "8 recorded files left out" in done.output
    assert "figures of pictures and the article" in done.output
    assert "uncommitted" not in done.output
    assert "places of this machine" not in done.output


def test_the_command_says_what_a_reader_would_not_expect(results: Path) -> None:
    """Code that no commit names, and places of one's own machine in what is published."""
    record = json.loads((results / "records.json").read_text(encoding="utf-8"))
    for run in record["runs"].values():
        run["dirty"], run["config"] = (
            True,
            {"networks": ["timm:resnet18@/home/me/weights.pt", "timm:x"]},
        )
    (results / "records.json").write_text(json.dumps(record), encoding="utf-8")
    done = CliRunner().invoke(app, ["deposit", str(results), "-o", "out.zip"])
    assert done.exit_code == 0, done.output
    assert "made from code with uncommitted changes" in done.output
    assert "places of this machine: timm:resnet18@/home/me/weights.pt\n" in done.output
