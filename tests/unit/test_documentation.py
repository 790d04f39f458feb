"""The documentation builds without a warning, and has every page; the notebook runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from texshape.trials.files import Trials
from texshape.trials.names import parse
from texshape.trials.tables import Subject

pytestmark = pytest.mark.timeout(3000)  # a crowded machine takes its time
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "measure_your_network.ipynb"


def test_every_page_is_built(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (ROOT / "docs").rglob("*.md"):
        inner = page.relative_to(ROOT / "docs")
        built = inner.parent if inner.stem == "index" else inner.with_suffix("")
        assert (tmp_path / built / "index.html").is_file(), page
    reference = (tmp_path / "reference" / "api" / "index.html").read_text(encoding="utf-8")
    assert "texshape.api.measure" in reference
    assert "One PIL image to the network" in reference  # from its docstring


IDENTITY = ["model", "architecture", "arm", "seed"]
_NAMES = ["cat1-dog1.png", "cat2-dog2.png", "dog1-cat1.png", "dog2-dog1.png"]
TRIALS = {
    (Subject("net--plain", "net", "plain", 0), "cue-conflict"): Trials(
        "cue-conflict.csv",
        ("cat", "dog"),
        {
            "subj": ["net"] * 4, "session": ["1"] * 4, "trial": list("1234"), "rt": ["NaN"] * 4,
            "object_response": ["cat", "dog", "cat", "dog"], "category": ["cat", "cat", "dog", "dog"],
            "condition": ["0"] * 4, "imagename": _NAMES,
        },
    )
}  # fmt: skip


def columns_in_the_code() -> dict[str, list[str]]:
    """Columns of each table, from the modules that write them."""
    from texshape.comparison import correlation, disagreement, equivalence, measures
    from texshape.stylize import fitness, reconstruction
    from texshape.techniques.corruptions import accuracy, errors
    from texshape.techniques.cue_strength import probes
    from texshape.techniques.dimensionality import table as dimensionality
    from texshape.techniques.erasure import intervention
    from texshape.techniques.readout import linear
    from texshape.techniques.receptive_field import architectures
    from texshape.techniques.receptive_field import measure as receptive_field
    from texshape.techniques.segmentation import measure as segmentation
    from texshape.training import loop
    from texshape.trials import (
        crossed,
        cue_strength,
        evaluate,
        humans,
        naming,
        score,
        seeds,
        tables,
    )

    shown = tables.shape_bias_tables(TRIALS, resamples=10)
    assert list(shown[0].columns) == [*IDENTITY, *score.FIELDS[1:], *naming.FIELDS, "verdict"]
    labels = [parse(name) for name in _NAMES]
    cues = ("shape", "texture", "shape_exemplar", "texture_exemplar")
    images = SimpleNamespace(
        labels=pd.DataFrame({cue: [getattr(one, cue) for one in labels] for cue in cues})
    )
    one_way = evaluate._bias(images, np.array(["cat", "dog"] * 2), "net", 10, 0.95, 0)
    bias = [*score.FIELDS[1:], *naming.FIELDS, "verdict"]
    part = list(equivalence._PART)
    pair = [c for c in equivalence.COLUMNS if c.split("_", 1)[-1] not in part]
    before = ["set", "baseline", "baseline_set", "measure"]
    found = {
        "shape_bias": bias,
        "shape_bias_by_set": ["set", *tables.DIFFERENCE],
        "shape_bias_differences": [
            "model_a", "model_b", "difference", "ci_low", "ci_high", "n", *seeds.COLUMNS,
        ],
        "shape_bias_by_class": shown[1].columns,
        "sensitivity": ["aggregation", "preprocessing", "interpolation", *one_way],
        "accuracy": tables.accuracy_table(TRIALS, resamples=10).columns,
        "benchmark": ["datasets", "n_datasets", *humans.MEASURES],
        "training": loop.HISTORY_COLUMNS[1:],
        "accuracy_differences": seeds.ACCURACY_COLUMNS,
        "controls": crossed.COLUMNS,
        "cue_strength": cue_strength.COLUMNS,
        "readout": linear.COLUMNS,
        "erasure": intervention.COLUMNS,
        "dimensionality": dimensionality.COLUMNS,
        "receptive_field": receptive_field.COLUMNS,
        "shuffling": probes.SHUFFLING,
        "corruptions": accuracy.COLUMNS,
        "corruption_errors": [*before, *errors.COLUMNS],
        "segmentation": segmentation.COLUMNS,
        "comparison": measures.COLUMNS,
        "correlations": correlation.COLUMNS,
        "equivalent_pair": [*pair, *part],
        "disagreement": disagreement.COLUMNS,
        "stylization_fitness": fitness.COLUMNS,
        "reconstruction": reconstruction.COLUMNS,
    }  # fmt: skip
    found = {name: [c for c in own if c not in IDENTITY] for name, own in found.items()}
    whole = {
        "disagreement_images": disagreement.IMAGE_COLUMNS,
        "architectures": architectures.COLUMNS,
    }
    return found | whole


def columns_in_the_page() -> dict[str, set[str]]:
    """What stands in backticks in the last cell of each table's row, apart from files and patterns."""
    page = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `(\w+)\.csv`[^|]* \| [^|]+ \| (.+) \|$", page.partition("## Tables")[2], re.MULTILINE
    )
    listed = {name: ", ".join(re.findall(r"`([^`]+)`", cell)) for name, cell in rows}
    return {
        name: set(re.findall(r"(?<![^ ])\w*[a-z0-9](?=,|$)", cells))
        for name, cells in listed.items()
    }


#: words of the page that are values of a column, or parameters
VALUES = {
    "benchmark": {"_low", "_high"},
    "readout": {"pooled", "cls", "spatial", "pixels", "scalars"},
    "receptive_field": {"global"},
    "corruption_errors": {"sum", "log_mean"},
    "equivalent_pair": {"alpha"},
}


def test_the_page_on_files_has_every_column_and_no_other() -> None:
    """A column that is renamed, added or removed is so in the page."""
    told, real = columns_in_the_page(), columns_in_the_code()
    assert told.keys() == real.keys()
    for name, columns in real.items():
        assert len(columns) == len(set(columns)), name
        assert told[name] - VALUES.get(name, set()) == set(columns), name


def test_the_notebook_runs(mirror: Path, survey_cache: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("efficientnet_lite_pytorch")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "outputs are stripped"
    assert "EXEMPLARS = 3" in code[0].source
    code[0].source = code[0].source.replace("EXEMPLARS = 3", "EXEMPLARS = 1")  # a tenth
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    shown = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown), "the figure is shown"
    assert any("cropped" in str(output) or "shape_bias" in str(output) for output in shown)
