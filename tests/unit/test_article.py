"""The article says what the results say: missing results, no typed number, one page that reads well."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from tests import browser, synthetic_tables
from tests.article_world import (
    NORMAL,
    NOTHING,
    PAPER,
    REVERSED,
    SECTIONS,
    claims_of,
    page_of,
    project,
    verdicts,
    words_of,
)

from texshape import techniques
from texshape.article import (
    compilation,
    compile_article,
    links_below,
    list_files,
    paragraphs_that_open,
)
from texshape.claims import write
from texshape.cli.technique import describe_techniques
from texshape.config.whole import read
from texshape.errors import InputError
from texshape.files import write_json

#: sections that lie in the folders of techniques
OWN = sorted(Path(techniques.__file__).parent.glob("*/*.typ"))


def test_normal_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    assert verdicts(arguments) == NORMAL
    text = words_of(page_of(arguments))
    assert "Trained on plain images the CNN is texture-biased" in text
    assert "Not run" not in text
    assert "90 % intervals" in text  # the level is read from the parameters
    assert "4 321 resamples" in text
    assert "321 steps of Adam" in text
    assert "a difference of 4.4 percentage points" in text.replace("4.5", "4.4")  # the paired one


def test_reversed_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural(reverse=True))
    found = verdicts(arguments)
    assert {name: found[name] for name in REVERSED} == REVERSED
    text = words_of(page_of(arguments))
    assert "Trained on plain images the CNN is shape-biased" in text
    assert "the CNN is texture-biased" not in text
    assert "It is texture-biased: in each seed" not in text


def test_undefined_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.undefined(synthetic_tables.procedural()))
    found = verdicts(arguments)
    assert set(found) == set(NORMAL)
    assert {k: v for k, v in found.items() if v != "undefined"} == NOTHING
    text = words_of(page_of(arguments))
    assert "its shape bias is undefined" in text
    assert not re.search(r"\b(is|are) (texture|shape)-biased\b(?! here)", text)
    assert "nan" not in re.findall(r"[a-z]+", text.lower())


def test_missing_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    found = verdicts(arguments, files=[])
    assert set(found.values()) == {"not run"}
    for claims_in in SECTIONS.values():  # a technique without a table has no section
        assert not [name for name in found if re.match(claims_in, name)]
    text = words_of(page_of(arguments, files=[]))
    assert text.count("Not run.") >= 6
    assert "tables/" not in found
    assert not re.search(r"\d %", text)  # no old number


def test_one_missing_figure_leaves_a_box_and_the_rest(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    kept = [name for name in list_files(arguments["results"]) if "figures/controls" not in name]
    text = words_of(page_of(arguments, files=kept))
    assert text.count("Not run.") == 1
    assert "figures/controls.svg" in text
    assert verdicts(arguments, files=kept) == NORMAL


def test_the_recommended_row_says_where_a_cell_rests_on_fewer_seeds(tmp_path):
    tables = synthetic_tables.procedural()
    assert "of 3 seeds" not in words_of(page_of(project(tmp_path / "same", tables)))
    readout = tables["readout"]
    shape = (readout["model"] == "cnn--plain") & (readout["cue"] == "shape")
    tables["readout"] = readout[~(shape & (readout["seed"] == 2))]
    strength = tables["cue_strength"]  # a balance point that one of the seeds does not have
    one = (strength["model"] == "cnn--plain") & (strength["seed"] == 1)
    strength.loc[one, ["balance_point", "balance_low", "balance_high"]] = float("nan")
    text = words_of(page_of(project(tmp_path / "fewer", tables)))
    assert text.count("; 2 of 3 seeds") == 2


def test_numbers_beside_the_claims_follow_the_tables(tmp_path):
    tables = synthetic_tables.procedural()
    rows = tables["erasure"]
    tables["erasure"] = rows[~rows["erased"].isin(["head", "null_space"])]
    tables["correlations"]["coupled"] = "at most that"
    frame = tables["corruption_errors"]
    fog = (frame["arm"] == "stylized") & (frame["corruption"] == "fog") & (frame["seed"] == 1)
    frame.loc[fog, ["error_ratio", "ci_low", "ci_high"]] = float("nan")
    text = words_of(page_of(project(tmp_path, tables)))
    assert "all but the null space" not in text.split("Table")[0]
    assert "are tied by definition (shape bias with shape decodable: at most that" in text
    assert "errors summed over 4 of 4 types" in text


def test_published_experiment(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    assert verdicts(arguments) == {
        "bias-humans": "shape-biased",
        "humans-against-networks": "higher",
        "networks-names": "divided",
        "answers-kinds": "higher",
        "answers-humans": "higher",
        "answers-consistency": "higher",
        "replication": "all",
        "sensitivity": "keeps",
        "humans-ceiling": "higher",
        "humans-own": "not separated",
        "humans-by-bias": "with",
        "brief-humans": "shape-biased",
        "brief-measured": "some",
        "brief-humans-ceiling": "higher",
        "limits-counts": "alike",
        "limits-known": "not run",
        "limits-procedure": "stable",
    }
    text = words_of(page_of(arguments))
    assert "n = 12 000" in text
    assert text.count("Not run") == 1  # what the networks know
    left_out = "because the folder that TEXSHAPE_MIRROR names has no file of its answers: Lacking."
    assert f"Left out, {left_out}" in text
    assert "silhouettes filled with a texture" not in text  # the other experiment's data


def test_techniques_on_networks_that_were_not_trained_here(tmp_path):
    tables = synthetic_tables.published() | synthetic_tables.published_techniques()
    arguments = project(tmp_path / "normal", tables, kind="published")
    text = words_of(page_of(arguments))
    for caption in ("Read-out from the last stage of each network",
                    "Information a unit above null pairs", "Erasing a cue at the last stage",
                    "Share of shape decisions at both ends", "Accuracy without and under corruption",
                    "Accuracy on whole pictures and on pictures cut", "from the last stage with a map",
                    "What to report beside a shape bias"):  # fmt: skip
        assert caption in text, caption
    assert "Not run" not in text
    found = verdicts(arguments)
    assert not {name for name in found if "plain" in name}
    assert found["known-not-used"] == "known, not used"
    assert found["strength-name"] == "turns"
    assert found["erasure-texture"] == "all"
    assert found["limits-known"] == "hides"
    tables = synthetic_tables.published(True) | synthetic_tables.published_techniques(True)
    found = verdicts(project(tmp_path / "reversed", tables, kind="published"))
    assert found["known-not-used"] == "no conflict"
    assert found["strength-name"] == "keeps"
    assert found["erasure-texture"] == "none"
    tables = synthetic_tables.undefined(tables)
    found = verdicts(project(tmp_path / "undefined", tables, kind="published"))
    assert set(found.values()) == {"undefined"}


@pytest.mark.parametrize("source", ["cifar10", "tiny-imagenet", "photographs"])
def test_photographs(tmp_path, source):
    """Sets and techniques that photographs have; no sentence that is true of drawn images alone."""
    tables = synthetic_tables.procedural()
    for name in ("segmentation", "cue_strength", "controls"):
        tables.pop(name, None)
    for name, table in tables.items():
        if "arm" in table:
            table = table[~table["arm"].isin(["plain-crop", *synthetic_tables.CONTROLS])]
        if name == "accuracy":
            table = table[table["set"] != "textures"].replace({"set": {"silhouettes": "edges"}})
        tables[name] = table
    arguments = project(tmp_path, tables, "folder")
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    chosen = read([PAPER.parent / "params.yaml", PAPER.parent / "experiments" / "cifar10.yaml"])
    chosen["data"]["folder"]["source"] = source
    if source == "tiny-imagenet":
        chosen["stylizations"]["stylized"]["stylize"] = {"engine": "optimisation"}
    chosen["trained"] = [
        {"architecture": "cnn", "arms": ["plain", "stylized", "mixed"], "seeds": [0]}
    ]
    path.write_text(json.dumps(parameters | chosen))
    words = words_of(page_of(arguments))
    for wrong in ("drawn by the program", "perfect predictors", "both known", "controls stand beside",
                  "silhouettes are named", "Pictures drawn by a program", "exact mask"):  # fmt: skip
        assert wrong not in words, wrong
    assert ("CIFAR-10" in words) == (source == "cifar10")
    assert ("those of Tiny ImageNet" in words) == (source == "tiny-imagenet")
    assert ("research that is not commercial" in words) == (source == "tiny-imagenet")
    assert ("about whose terms the program knows nothing" in words) == (source == "photographs")
    assert ("Nobody has marked" in words) == (source != "tiny-imagenet")
    assert "edges are named in" in words
    assert "Canny" in words
    found = verdicts(arguments)
    assert found["shape-alone-plain"] in ("above", "not above")
    assert "cue-strength-plain" not in found
    missing = {name for name, verdict in found.items() if verdict == "not run"}
    assert missing <= {"limits-procedure"}  # none of those choices is tried here
    assert ("None of the choices between network and number" in words) == bool(missing)
    by = (
        "iterative optimisation" if source == "tiny-imagenet" else "adaptive instance normalisation"
    )
    assert f"in the style of a painting, by {by}" in words


def test_networks_that_were_trained_here_stand_beside_humans(tmp_path):
    """As in experiments/imagenet.yaml; one kind of training is measured in full, the others decide alone."""
    import typst

    arguments = project(tmp_path, synthetic_tables.beside_published(), "folder-published")
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    chosen = read([PAPER.parent / "params.yaml", PAPER.parent / "experiments" / "imagenet.yaml"])
    chosen["trained"] = [
        {"architecture": "resnet18", "arms": ["plain", "stylized", "mixed"], "seeds": [0, 1, 2]},
        {"architecture": "bagnet9", "arms": ["plain", "stylized"], "seeds": [0, 1, 2]},
    ]
    path.write_text(json.dumps(parameters | chosen))
    page = page_of(arguments)
    words = words_of(page)
    assert "On plain images the BagNet-9 is right in" in words
    assert "the BagNet-9 in" in words  # on stylized ones
    assert "RF 9" not in words
    assert "trained on published" not in words
    # A row a seed of each kind of training, and its name.
    rows = re.findall(r"<t[hd][^>]*>(ResNet-18|BagNet-9|resnet18), (\w+)</t[hd]>", page)
    assert {arm for _, arm in rows} >= {"plain", "stylized", "mixed"}
    # Of what was not made of the others nothing is said to be undefined.
    assert "Robustness to corruptions" in words
    for wrong in (
        "error ratio is undefined",
        "is read in undefined",
        "carries undefined",
        "right in undefined",
    ):
        assert wrong not in words, wrong
    found = typst.query(**compilation(**arguments), selector="<claim>", field="value")
    assert sorted(json.loads(found)) == sorted(claim.id for claim in claims_of(arguments))


def test_pictures_of_a_kind_that_it_does_not_know_are_credited_to_nobody(tmp_path):
    """A source of data may be added without a word in the article: it says that, and nothing that is false."""
    tables = synthetic_tables.published()
    for name, table in tables.items():
        if "arm" in table:
            tables[name] = table[table["arm"] != "published"]
    arguments = project(tmp_path, tables, kind="other")
    words = words_of(page_of(arguments))
    assert "The pictures are of the kind other. Where they come from" in words
    assert "about whose terms the program knows nothing" in words
    for wrong in ("The pictures are those of", "CC BY 4.0", "drawn by the program", "Tiny ImageNet",
                  "humans and of networks whose trials", "The published trials"):  # fmt: skip
        assert wrong not in words, wrong


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("procedural", synthetic_tables.procedural()),
        ("published", synthetic_tables.published() | synthetic_tables.published_techniques()),
        ("published", synthetic_tables.published()),
    ],
)
def test_the_article_sets_every_claim_once(tmp_path, kind, tables):
    import typst

    arguments = project(tmp_path, tables, kind=kind)
    page_of(arguments)
    found = typst.query(**compilation(**arguments), selector="<claim>", field="value")
    assert sorted(json.loads(found)) == sorted(claim.id for claim in claims_of(arguments))


def test_tables_without_claims_are_one_line(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    with pytest.raises(
        InputError, match=r"no claims\.json: make it with texshape run claims"
    ) as caught:
        compile_article(**arguments, pdf=tmp_path / "a.pdf", html=tmp_path / "a.html")
    assert "\n" not in str(caught.value)
    # Claims of other results lack those that these tables ask for.
    write(arguments["results"] / "claims.json", [])
    with pytest.raises(InputError, match=r"claims\.json has no claim brief-humans: make it anew"):
        compile_article(**arguments, pdf=tmp_path / "a.pdf", html=tmp_path / "a.html")


def test_sources_hold_no_typed_number():
    """Text between the code: no percentage, no decimal, no count beside a word for results."""
    for path in [*sorted((PAPER / "sections").glob("*.typ")), *OWN]:
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\d\s*%", text), f"{path.name}: a typed percentage"
        prose = " ".join(re.findall(r"\[([^\[\]#\"]{12,})\]", text))  # pieces of plain text
        prose += " ".join(line for line in text.splitlines() if re.match(r"[A-Z][a-z]", line))
        prose = re.sub(r"#[\w.-]+(\([^)]*\))?|@\w+", "", prose)
        assert not re.search(r"\d+\.\d+", prose), f"{path.name}: a typed decimal"
        near = r"(bias|accuracy|seeds?|images|pictures|points|nats|networks)"
        assert not re.search(rf"\b\d+\s+{near}\b", prose), f"{path.name}: a typed count"


# In running text Typst takes a semicolon behind `#name` or `#call(...)` for its end, and prints none.
CALL = r"#[\w.-]+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?(?:\[[^\[\]]*\])?;"


def test_no_semicolon_is_swallowed():
    assert re.search(CALL, 'is in #raw("records.json"); the rest')
    assert re.search(CALL, 'style #raw(p("a.b")); its')
    assert re.search(CALL, "the range of their #level; entropy")
    assert not re.search(CALL, "it is #pct(x) (all; none)")
    for path in [*sorted(PAPER.rglob("*.typ")), *OWN]:
        found = re.search(CALL, path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found[0]}"


def test_page_is_self_contained_and_accessible(tmp_path):
    page = page_of(project(tmp_path, synthetic_tables.procedural()))
    assert page.startswith('<!DOCTYPE html><html lang="en">')
    assert page.count("<title>") == 1
    assert page.count("<h1>") == 1
    # Nothing is executed: the one script is what catalogues read.
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert page.count("<script") == 1
    about = json.loads(data)
    assert (about["@context"], about["@type"]) == ("https://schema.org", "ScholarlyArticle")
    assert unescape(re.search("<title>(.*?)</title>", page)[1]) == about["headline"]
    assert about["isBasedOn"]["@type"] == "Dataset"
    downloads = {one["contentUrl"] for one in about["isBasedOn"]["distribution"]}
    assert downloads == {f"tables/{name}.csv" for name in synthetic_tables.procedural()}
    assert "prefers-color-scheme: dark" in page
    for image in re.findall(r"<img [^>]+>", page):
        assert re.search(r'src="data:image/', image)
        assert re.search(r'alt="[^"]{40,}"', image)
    # Beside the page lie the tables that claims rest on and the figures, and nothing else is linked.
    beside = r"tables/\w+\.csv|figures/[\w-]+\.svg"
    assert not re.search(rf'(src|href)="(?!data:|#|https://|({beside})")', page)
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


ORIGIN = {
    "file": "results/procedural/tables/shape_bias.csv", "rule": "tabulate_trials",
    "command": "texshape run tabulate-trials", "inputs": {"a/trials.csv": "0123456789abcdef", "b.csv": None},
    "commit": "c0ffee" + "0" * 34, "dirty": True, "parameters_sha256": "beef" + "1" * 60, "seeds": [0, 2],
    "behind": [{"rule": "trials", "jobs": 3, "seeds": [0, 2], "command": "texshape run trials --seed 0"}],
}  # fmt: skip


def test_a_claim_opens(tmp_path):
    """Below its sentence: verdict, rule, every cell with its row, the table, the job; without a script."""
    arguments = project(tmp_path, synthetic_tables.procedural())
    write_json(arguments["results"] / "origins.json", {"shape_bias": ORIGIN})
    page = page_of(arguments)
    claims = [claim for claim in claims_of(arguments) if claim.sentence]
    assert len(claims) < len(claims_of(arguments))  # of one verdict there is nothing to say
    ids = re.findall(r'<details class="claim" id="claim-([^"]+)"><summary>', page)
    assert sorted(ids) == sorted(claim.id for claim in claims)
    parts = dict(zip(ids, page.split('<details class="claim" id="claim-')[1:], strict=True))
    parts = {id: text.partition("</section></details>")[0] for id, text in parts.items()}
    for claim in claims:
        words = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", parts[claim.id])))
        assert f"Verdict: {claim.verdict}" in words
        assert claim.rule in words
        linked = re.findall(r'href="tables/(\w+)\.csv"', parts[claim.id])
        assert linked == list(dict.fromkeys(cell.table for cell in claim.cells))
        shown = set(re.findall(r'<td [^>]*data-label="([^"]*)"', parts[claim.id]))
        assert {cell.column for cell in claim.cells} <= shown
    bias = parts["bias-plain"]
    assert bias.count("<code>texture-biased</code>") == 3  # the cells of three seeds
    job = (
        "<code>tabulate_trials</code> (commit <code>c0ffee000000</code> with uncommitted changes, "
    )
    job += "parameters <code>beef11111111</code>, seeds 0 and 2, "
    job += '<a href="#made-shape_bias">2 inputs</a>)'
    assert job in bias
    assert "What made <code>accuracy.csv</code> is not recorded" in parts["plain-learned"]
    made = page[page.index('id="made-shape_bias"') :]
    for told in (
        "a/trials.csv",
        "0123456789ab<",
        "b.csv",
        "(not hashed)",
        "trials --seed 0",
        "3 jobs",
    ):
        assert told in made, told


def drawn(name: str, **changes: object) -> dict:
    return {"file": f"results/procedural/figures/{name}.svg", "tables": [], "inputs": [], "rule": "draw",
            "pictures": False, "command": f"draw {name}", "commit": None, "dirty": None, **changes}  # fmt: skip


def test_below_each_figure_stands_what_it_was_drawn_from(tmp_path):
    """On the page links, command and commit; in print names and commit."""
    arguments = project(tmp_path, synthetic_tables.procedural())
    origins = {
        "shape_bias": drawn(
            "shape_bias", tables=["shape_bias", "accuracy"], commit="c0ffee" + "0" * 34, dirty=True
        ),
        "contact_sheet": drawn("contact_sheet", inputs=["a.npy", "b.npy", "c.npy"]),
        "influence": drawn("influence", tables=["receptive_field"], inputs=["cnn/influence.npz"]),
    }
    write_json(arguments["results"] / "figures.json", origins)
    page = page_of(arguments)
    captions = re.findall(
        r"<figcaption>(?:(?!</figcaption>).)*figures/(?:(?!</figcaption>).)*</figcaption>", page
    )
    images = len(re.findall("<img ", page))
    assert len(captions) == images > 20  # every figure has its line
    lines = {re.search(r'href="figures/([\w-]+)\.svg"', one)[1]: one for one in captions}
    words = {
        name: re.sub("<[^>]+>", "", text.partition('class="drawn">')[2])
        for name, text in lines.items()
    }
    assert words["shape_bias"] == (
        "From shape_bias.csv and accuracy.csv · SVG · commit c0ffee000000 with uncommitted changes"
        " · again by draw shape_bias"
    )
    for table in ("shape_bias", "accuracy"):
        assert f'<a href="tables/{table}.csv">' in lines["shape_bias"]
    assert words["contact_sheet"] == (
        "From 3 files · SVG · commit not recorded · again by draw contact_sheet"
    )
    assert words["influence"].startswith("From receptive_field.csv and cnn/influence.npz · SVG")
    assert words["accuracy"] == "SVG · What drew it is not recorded."
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed: the page was looked at, the print was not")
    command = ["pdftotext", "-raw", arguments["results"] / "paper.pdf", "-"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    flat = " ".join(printed.split())
    assert "From shape_bias.csv and accuracy.csv, commit c0ffee000000 with uncommitted" in flat
    assert "draw shape_bias" not in flat


def test_a_sentence_that_opens_stays_in_its_paragraph(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)
    with browser.open_page(arguments["results"] / "paper.html", width=390) as (page, complaints):
        # A browser that met `details` within `p` would have ended the paragraph, and left an empty one.
        assert page.evaluate("document.querySelectorAll('.p > details.claim').length") > 5
        assert (
            page.evaluate("[...document.querySelectorAll('p')].filter(x => !x.textContent).length")
            == 0
        )
        page.evaluate("document.querySelectorAll('details').forEach(x => { x.open = true })")
        assert browser.faults(page, complaints) == []


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>a</p><p>b</p>", "<p>a</p><p>b</p>"),
        ('<p>a <details class="claim"><p>b</p></details> c</p><p>d</p>',
         '<div class="p" role="paragraph">a <details class="claim"><p>b</p></details> c</div><p>d</p>'),
        ('<li><details class="claim"><p>b</p></details></li>',) * 2,
        ("<p>a <details>b</details></p>", "<p>a <details>b</details></p>"),
        ("<pre>p</pre><p>π</p>", "<pre>p</pre><p>π</p>"),
    ],
)  # fmt: skip
def test_paragraphs_that_hold_a_claim_are_none_of_html(page, expected):
    assert paragraphs_that_open(page) == expected


def test_links_of_a_sentence_that_opens_stand_below_it():
    start, end = (
        '<details class="claim" id="claim-a"><summary>',
        '</summary><section class="grounds"><p>r</p>',
    )
    link = '<a id="x" href="#b">Section <em>1</em></a>'
    assert links_below(f"{start}As in {link} said.{end}{link}") == (
        f"{start}As in Section <em>1</em> said.{end[:-8]}<p><strong>See:</strong> {link}.</p><p>r</p>{link}"
    )
    assert links_below(f"{start}No link.{end}{link}") == f"{start}No link.{end}{link}"


def test_the_main_text_is_short_and_the_supplement_has_the_rest(tmp_path):
    """Print collects what the page opens at its place: each part once, headed as the page's summary is."""
    import typst

    arguments = project(tmp_path, synthetic_tables.procedural())
    page = page_of(arguments)
    opened = re.findall(
        r'<details class="more" id="(more-[^"]+)"><summary>(.*?)</summary>', page, re.S
    )
    assert len(opened) == len(set(opened)) > 15
    source = arguments["source"].with_name("asked.typ")
    source.write_text(
        '#include "main.typ"\n'
        '#context [#metadata(query(heading.where(level: 1)).filter(one => one.has("label") and '
        'str(one.label).starts-with("more-")).map(one => (str(one.label), one.location().page()))) <parts>]\n'
    )

    def asked(label):
        return json.loads(typst.query(**asking, selector=label, field="value", one=True))

    asking = compilation(arguments["results"], source)
    begins = asked("<pages-of-main-text>")
    assert 6 < begins <= 13, "the main text has at most twelve pages"
    parts = asked("<parts>")
    assert [label for label, _ in parts] == [label for label, _ in opened]
    pages = [number for _, number in parts]
    assert pages == sorted(pages)
    assert pages[0] >= begins
    # The point comes first: its figure and its table stand before the contents.
    first = [
        page.index(words)
        for words in ("What networks decide by", "In numbers", '<nav role="doc-toc"')
    ]
    assert first == sorted(first)


def test_in_print_a_number_leads_to_the_list_of_claims(tmp_path):
    import typst

    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)
    source = arguments["source"].with_name("asked.typ")
    source.write_text(
        '#include "main.typ"\n#context [#metadata(query(link).map(one => one.dest)'
        ".filter(to => type(to) == label).map(str)) <links>]\n"
        '#context [#metadata(query(<claim>).map(one => query(label("listed-" + one.value)).len())) <listed>]\n'
        "#context [#metadata(query(<claim>).map(one => one.value)) <order>]\n"
    )

    def asked(label):
        return json.loads(typst.query(**asking, selector=label, field="value", one=True))

    asking = compilation(arguments["results"], source)
    rules = {claim.id: claim.rule for claim in claims_of(arguments)}
    order = asked("<order>")
    assert sorted(order) == sorted(rules)
    first: dict[str, str] = {}  # a rule that several claims share is said of the first
    said_before = [first[rules[id]] for id in order if first.setdefault(rules[id], id) != id]
    assert said_before
    assert sorted(to for to in asked("<links>") if to.startswith("listed-")) == sorted(
        f"listed-{id}" for id in [*order, *said_before]
    )
    assert asked("<listed>") == [1] * len(order)


def test_every_section_and_table_passes_axe(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    page_of(arguments)
    with browser.open_page(arguments["results"] / "paper.html", width=390) as (page, complaints):
        assert browser.faults(page, complaints) == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_column_of_a_table_is_hidden(tmp_path, width):
    """On a telephone each row is a block in which every value stands beside its column's name."""
    arguments = project(tmp_path, synthetic_tables.procedural())
    page_of(arguments)
    with browser.open_page(arguments["results"] / "paper.html", width=width) as (page, _):
        assert page.evaluate("document.querySelectorAll('table').length") > 5
        assert browser.cut_tables(page) == []
        stacked = page.evaluate(
            "[...document.querySelectorAll('td + td')].filter(x => !x.closest('.grounds'))"
            ".map(x => getComputedStyle(x).display == 'flex')"
        )
        assert {390: all, 768: any, 1440: lambda found: not any(found)}[width](stacked)
        labels = page.evaluate("[...document.querySelectorAll('td')].map(x => x.dataset.label)")
        heads = page.evaluate("[...document.querySelectorAll('th')].map(x => x.textContent)")
        assert set(labels) == set(heads)  # an empty label would leave a value unnamed
        # A table that reaches beyond its place is found.
        page.evaluate("document.querySelector('figure table').style.width = '3000px'")
        assert len(browser.cut_tables(page)) == 1


def test_same_results_same_bytes(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)  # makes the claims
    first = tmp_path / "first.pdf", tmp_path / "first.html"
    second = tmp_path / "second.pdf", tmp_path / "second.html"
    for pdf, html in (first, second):
        compile_article(**arguments, pdf=pdf, html=html)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_errors_are_one_line_and_leave_the_old_article(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)  # makes the claims
    old = tmp_path / "paper.pdf"
    old.write_bytes(b"old")
    section = tmp_path / "paper" / "sections" / "limits.typ"
    section.write_text("#let x = (\n")
    with pytest.raises(InputError, match=r"does not compile: .*limits\.typ:1") as caught:
        compile_article(**arguments, pdf=old, html=tmp_path / "paper.html")
    assert "\n" not in str(caught.value)
    assert old.read_bytes() == b"old"
    assert not (tmp_path / "paper.html").exists()
    to = {"pdf": old, "html": tmp_path / "paper.html"}
    with pytest.raises(InputError, match="no such folder of results"):
        compile_article(results=tmp_path / "nowhere", source=arguments["source"], **to)
    with pytest.raises(InputError, match="source is missing"):
        compile_article(results=arguments["results"], source=tmp_path / "main.typ", **to)


def test_references_are_complete_and_used_keys_exist():
    entries = (PAPER / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{([\w-]+),", entries, flags=re.M))
    for block in entries.split("\n\n"):
        for field in ("author", "title", "year"):
            assert re.search(rf"^\s+{field} = \{{", block, flags=re.M), block[:60]
        assert "doi" in block or "url" in block, block[:60]
    for path in [*PAPER.rglob("*.typ"), *OWN]:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"cite\(<([\w-]+)>|@([a-z]+20\d\d\w*)", text)
        cited = {one or other for one, other in found}
        assert cited <= keys, path.name


def test_the_steps_read_only_the_files_that_they_are_given(tmp_path):
    from typer.testing import CliRunner

    from texshape.cli import figures as commands
    from texshape.cli.run import run

    assert commands  # registers `claims` and `article`
    results = tmp_path / "results" / "old"
    (results / "tables").mkdir(parents=True)
    (results / "tables" / "shape_bias.csv").write_text("of,former,parameters\n1,2,3\n")
    (results / "tables" / "other.csv").write_text("a\n1\n")
    main = Path(__file__).parents[2] / "paper" / "main.typ"

    def step(*arguments: str | Path) -> bool:
        return CliRunner().invoke(run, [*map(str, arguments)]).exit_code == 0

    claims, html, other = results / "claims.json", tmp_path / "a.html", results / "tables/other.csv"
    # The stale table has no column that the claims read.
    assert not step("claims", "--results", results, "--output", claims)
    assert not claims.exists()
    assert step("claims", "--results", results, "--output", claims, "--file", other)
    article = ("article", "--results", results, "--source", main, "--output", tmp_path / "a.pdf",
               "--html", html)  # fmt: skip
    assert not step(*article)  # the stale table has no column that the article reads
    assert step(*article, "--file", other, "--file", claims)
    assert "Not run" in html.read_text(encoding="utf-8")


def test_an_order_needs_exemplars_and_seeds(tmp_path):
    tables = synthetic_tables.procedural()
    pairs = tables["shape_bias_differences"]
    one = pairs["model_a"].eq("cnn--plain") & pairs["model_b"].eq("cnn--plain-crop")
    assert one.sum() == 1
    pairs.loc[one, ["seed_low", "seed_high", "seed_p"]] = [-0.12, 0.01, 0.09]
    tables["accuracy_differences"] = pd.DataFrame(
        [{"model_a": "cnn--plain", "model_b": "cnn--plain-crop", "set": "test-plain",
          "cue": "shape", "seeds_a": 3, "seeds_b": 3, "seed_difference": 0.023, "seed_low": 0.01,
          "seed_high": 0.036, "seed_p": 0.01}]
    )  # fmt: skip
    arguments = project(tmp_path, tables)
    found = verdicts(arguments)
    assert found["recipe"] == "not over seeds"
    assert found["limits-procedure"] == "moves"
    text = words_of(page_of(arguments))
    assert "over seeds −1.0 to 12.0 percentage points, Welch’s p = 0.090, 3 and 3 trainings" in text
    # the pair stands the other way round in the table
    assert "accuracy on new plain images changes by −2.3 percentage points" in text
    assert "over seeds −3.6 to −1.0 percentage points" in text
    assert "whether training pictures were cropped" not in text


def test_what_was_not_measured_is_not_spoken_of_as_if_it_had_been(tmp_path):
    tables = synthetic_tables.procedural()
    text = words_of(page_of(project(tmp_path / "all", tables)))
    assert "by shape and by texture" in text
    bias = tables["shape_bias"]
    tables["shape_bias"] = bias[~bias["arm"].str.contains("orientation")]
    maps = tables["segmentation"]
    tables["segmentation"] = maps[maps["target"] != "texture"]
    text = words_of(page_of(project(tmp_path / "less", tables)))
    assert "With textures free to turn there is no network here." in text
    assert "by shape and by texture" not in text


def test_humans_are_spoken_of_only_where_there_are_any(tmp_path):
    text = words_of(page_of(project(tmp_path, synthetic_tables.procedural())))
    assert "whether it fails where humans fail" not in text
    assert "how it withstands corrupted pictures" in text


def test_a_newer_proposal_that_was_run_is_not_said_not_to_be(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    assert "None of these was run here" in words_of(page_of(arguments))
    describe_techniques(["triplets"], arguments["results"] / "techniques.json")
    text = words_of(page_of(arguments))
    assert "Further measures" in text
    assert "None of these was run here" not in text
    assert "What was run of these here stands in Section" in text


def test_a_newer_proposal_may_stand_elsewhere_than_among_the_further_measures(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural() | synthetic_tables.optional())
    said = arguments["results"] / "techniques.json"
    describe_techniques(["triplets"], said)
    found = json.loads(said.read_text())
    found["techniques"][0]["typst"] = {
        "package": "", "part": "decisions", "tells": "", "place": "tests:article.typ",
        "shown": ["tables/triplets.csv"], "text": "= Likeness asked elsewhere\n",
    }  # fmt: skip
    said.write_text(json.dumps(found))
    text = words_of(page_of(arguments))
    assert "Likeness asked elsewhere" in text
    assert "Further measures" not in text
    assert "Some of these were run here, each where its question is asked" in text
