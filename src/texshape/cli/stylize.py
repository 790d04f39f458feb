"""Steps of neural style transfer.

::

    texshape run fetch-paintings --output-dir data/paintings
    texshape run prepare-styles --source renderer --data JSON --settings JSON --seed 2019 \
        --output-dir results/procedural/styles
    texshape run train-decoder --content STEM --styles STEM --held-out-content STEM \
        --held-out-styles STEM --settings JSON --seed 2019 --output decoder.pt \
        --reconstruction reconstruction.csv
    texshape run stylize --content STEM --styles STEM --decoder decoder.pt --settings JSON \
        --seed 2019 --shard 0 --shards 4 --output STEM
    texshape run merge-shards --part STEM ... --output STEM
    texshape run conflict-by-optimisation --data JSON --settings JSON --seed 2019 --output STEM
    texshape run conflict-sheet --data JSON --seed 2019 --result STEM --output-stem STEM
    texshape run stylization-sheet --content STEM --styles STEM --result STEM --output-stem STEM

`--settings` is the section `stylize` of the parameters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from texshape.config.stylize import StylizeSettings
    from texshape.data.imageset import ImageSet
    from texshape.shards import Shard

RENDERER = "renderer"

SettingsOption = Annotated[str, typer.Option(help="Section `stylize` of the parameters, JSON.")]
Seed = Annotated[int, typer.Option(min=0, help="Root of all randomness.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the CPU.")]
EncoderName = Annotated[
    str | None, typer.Option("--encoder", help="In place of settings.encoder.name (a checkpoint).")
]
DecoderPath = Annotated[
    Path | None, typer.Option(help="Engine adain: what train-decoder wrote, or the published one.")
]
ShardNumber = Annotated[
    int | None, typer.Option(min=0, help="Make this shard alone, at OUTPUT; else all, and merge.")
]
ShardCount = Annotated[int, typer.Option(min=1, help="Number of shards.")]
StylePlace = Annotated[Path, typer.Option(help="Stem of an image set of styles, or a folder.")]


@run.command("fetch-paintings")
def fetch_paintings(
    output_dir: Annotated[Path, typer.Option(help="Gets style/ and content/ with the pictures.")],
) -> None:
    """Bring 20 paintings and 7 photographs to try with, verified by check sum."""
    import pandas as pd

    from texshape.files import write_csv
    from texshape.stylize import paintings

    found = paintings.fetch(output_dir)
    rows = [(item.destination.relative_to(output_dir), item.url, item.sha256) for item in found]
    write_csv(output_dir / "paintings.csv", pd.DataFrame(rows, columns=["file", "url", "sha256"]))


@run.command("prepare-styles")
def prepare_styles(
    source: Annotated[str, typer.Option(help="`renderer`, or a folder of images.")],
    output_dir: Annotated[
        Path, typer.Option(help="Gets styles-train, -validation, -test (image sets), styles.csv.")
    ],
    settings: SettingsOption = "{}",
    data: Annotated[str, typer.Option(help="Section `data`, JSON, for the renderer.")] = "{}",
    seed: Seed = 0,
) -> None:
    """Read or draw style images and split them: no painting is in two splits."""
    from texshape.data import imageset
    from texshape.files import write_csv
    from texshape.parameters import from_json
    from texshape.stylize import styles

    section = _settings(settings)
    if source == RENDERER:
        found = styles.from_renderer(from_json(data, "--data"), seed, section.styles)
    else:
        found = styles.from_folder(
            source, section.styles, section.images, tolerated=section.tolerated
        )
    for name in styles.SPLITS:
        if (found.table["split"] == name).any():
            imageset.write(output_dir / f"styles-{name}", found.split(name))
    write_csv(output_dir / "styles.csv", found.table)
    counts = found.table["split"].value_counts()
    print(f"{source}: " + ", ".join(f"{counts.get(name, 0)} {name}" for name in styles.SPLITS))


@run.command("train-decoder")
@failures("stylize.decoder.batch_size")
def train_decoder(
    content: Annotated[
        list[Path], typer.Option(help="Stem of an image set, or a folder; any number.")
    ],
    styles: StylePlace,
    held_out_content: Annotated[Path, typer.Option(help="The like, for the error.")],
    held_out_styles: Annotated[Path, typer.Option(help="The like, for the error.")],
    output: Annotated[Path, typer.Option(help="Decoder, a file of weights.")],
    reconstruction: Annotated[Path, typer.Option(help="Table of the error (CSV).")],
    settings: SettingsOption = "{}",
    history: Annotated[Path | None, typer.Option(help="Table of the losses (CSV).")] = None,
    encoder: EncoderName = None,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Train a decoder of AdaIN on the data at hand; report what encoder and decoder lose."""
    section = _settings(settings, encoder)
    from texshape.compute import prepare

    prepare(threads)
    import numpy as np
    import pandas as pd

    from texshape.devices import place
    from texshape.files import write_csv
    from texshape.stylize import decoders, encoders
    from texshape.stylize.decoder_training import train_decoder as train
    from texshape.stylize.engines import AdaIN
    from texshape.stylize.reconstruction import reconstruction_table

    several = [_pixels(place, section) for place in content]
    style_images = _styles(styles, section).images
    held_out = {
        "content": _pixels(held_out_content, section),
        "style": _styles(held_out_styles, section).images,
    }
    # Contents, once enlarged, and styles go through the encoder in one batch.
    enlargement = {"content": section.enlarge, "style": 1}
    _of_one_size(
        [*content, held_out_content, styles, held_out_styles],
        [*several, held_out["content"], style_images, held_out["style"]],
        [*[section.enlarge] * (len(content) + 1), 1, 1],
    )
    contents = np.concatenate(several)
    network = encoders.load(section.encoder)
    place(network)
    module, rows = train(
        network,
        contents,
        style_images,
        section.decoder,
        preparation=section.content,
        enlargement=section.enlarge,
        seed=seed,
        log=lambda line: print(line, flush=True),
    )
    training = {
        "seed": seed,
        "contents": len(contents),
        "styles": len(style_images),
        "low_pass": section.content.low_pass,
        "noise": section.content.noise,
        **({} if section.enlarge == 1 else {"enlarge": section.enlarge}),
        **{key: value for key, value in vars(section.decoder).items() if key != "style_layers"},
        "style_layers": list(section.decoder.style_layers),
    }
    engine = AdaIN(network, module, section.decoder.layer)
    trained_on = {"content": contents, "style": style_images}
    table = pd.concat(
        [
            reconstruction_table(
                engine, images, trained_on[name], name=name, enlargement=enlargement[name]
            )
            for name, images in held_out.items()
        ],
        ignore_index=True,
    )
    write_csv(reconstruction, table)
    if history is not None:
        write_csv(history, pd.DataFrame(rows))
    decoders.write(
        output,
        module,
        {"encoder": network.identity, "layer": section.decoder.layer, "training": training},
    )
    for row in table[table["method"] == "decoder"].itertuples():
        print(f"held-out {row.images}: PSNR {row.psnr:.1f} dB over {row.n} images")


@run.command("stylize")
@failures("stylize.batch_size")
def stylize(
    content: Annotated[
        Path, typer.Option(help="Stem of an image set, or a folder of class folders.")
    ],
    styles: StylePlace,
    output: Annotated[Path, typer.Option(help="Stem of the result, or of the shard.")],
    settings: SettingsOption = "{}",
    decoder: DecoderPath = None,
    encoder: EncoderName = None,
    engine: Annotated[
        str | None, typer.Option(help="adain or optimisation, in place of settings.engine.")
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="Name of the set in its labels; default: OUTPUT's name.")
    ] = None,
    seed: Seed = 0,
    shard: ShardNumber = None,
    shards: ShardCount = 1,
    threads: Threads = 1,
) -> None:
    """Stylize a data set. A shard that is done already is not made again."""
    section = _settings(settings, encoder, engine)
    from texshape.compute import prepare

    prepare(threads)
    from texshape.provenance import value_hash
    from texshape.stylize import shards as steps
    from texshape.stylize.engines import build, check_alpha

    check_alpha(section.alpha)
    contents = steps.open_contents(content)
    style_set = _styles(styles, section)
    made = build(section, decoder=decoder)
    name = condition or output.name
    request = value_hash(
        {
            "settings": section.dump(),
            "weights": made.weights,
            "seed": seed,
            "shards": shards,
            "condition": name,
            "contents": _identity(contents),
            "styles": _identity(style_set),
        }
    )
    parts = _parts(output, shard, shards)
    for part, stem in parts:
        if steps.is_done(stem, request):
            print(f"{stem}: done already")
            continue
        common: dict[str, Any] = {
            "seed": seed, "shard": part, "request": request, "output": stem,
            "log": lambda line: print(line, flush=True),
        }  # fmt: skip
        if isinstance(contents, tuple):
            steps.stylize_folder(*contents, style_set, made, section, **common)
        else:
            steps.stylize_imageset(contents, style_set, made, section, condition=name, **common)
    if shard is None:
        steps.merge([stem for _, stem in parts], output, tolerated=section.tolerated)


@run.command("merge-shards")
def merge_shards(
    part: Annotated[list[Path], typer.Option(help="Stem of a shard; all of them, in any order.")],
    output: Annotated[Path, typer.Option(help="Stem of the whole.")],
    tolerated: Annotated[int, typer.Option(min=0, help="Unusable images that may be.")] = 0,
) -> None:
    """Join shards: into one image set, or (tars) into one manifest and list of shards."""
    from texshape.stylize.shards import merge

    merge(part, output, tolerated=tolerated)


@run.command("conflict-by-optimisation")
@failures("stylize.batch_size")
def conflict_by_optimisation(
    output: Annotated[Path, typer.Option(help="Stem of the result, or of the shard.")],
    settings: SettingsOption = "{}",
    data: Annotated[
        str | None, typer.Option(help="Section `data`, JSON: the renderer's exemplars.")
    ] = None,
    variant: Annotated[str, typer.Option(help="Variant of that section.")] = "base",
    fill: Annotated[
        str, typer.Option(help="The renderer's contents: `flat` colour or their `own` texture.")
    ] = "flat",
    shape_exemplars: Annotated[
        int | None,
        typer.Option(min=1, help="The renderer's first so many of each class; default: all."),
    ] = None,
    contents: Annotated[
        Path | None, typer.Option(help="Stem of shape exemplars, in place of --data.")
    ] = None,
    textures: Annotated[
        Path | None, typer.Option(help="Stem of texture exemplars, in place of --data.")
    ] = None,
    decoder: DecoderPath = None,
    encoder: EncoderName = None,
    engine: Annotated[str, typer.Option(help="optimisation or adain.")] = "optimisation",
    seed: Seed = 0,
    shard: ShardNumber = None,
    shards: ShardCount = 1,
    threads: Threads = 1,
) -> None:
    """Make cue-conflict images: shape of one exemplar, texture of another."""
    section = _settings(settings, encoder, engine)
    if (data is None) == (contents is None and textures is None):
        raise InputError("give --data, or --contents and --textures")
    from texshape.compute import prepare

    prepare(threads)
    from texshape.data import imageset
    from texshape.files import write_csv
    from texshape.parameters import from_json
    from texshape.provenance import value_hash
    from texshape.stylize import conflict
    from texshape.stylize import shards as steps
    from texshape.stylize.engines import build

    if data is not None:
        drawn = _variant(from_json(data, "--data"), variant)
        shown_rows = [
            row
            for row, picture in enumerate(_pictures(drawn, seed))
            if shape_exemplars is None or picture.shape_exemplar <= shape_exemplars
        ]
        total = len(shown_rows)
        identity = [drawn, shown_rows]
    else:
        if contents is None or textures is None:
            raise InputError("give both --contents and --textures")
        shape_set, texture_set = imageset.read(contents), imageset.read(textures)
        pairs = conflict.pairs(shape_set.labels, texture_set.labels, seed)
        total = len(pairs)
        identity = [_identity(shape_set), _identity(texture_set)]
    made = build(section, decoder=decoder)
    request = value_hash(
        {"settings": section.dump(), "weights": made.weights, "seed": seed, "shards": shards,
         "fill": fill, "contents": identity}
    )  # fmt: skip
    parts = _parts(output, shard, shards)
    for part, stem in parts:
        if steps.is_done(stem, request):
            print(f"{stem}: done already")
            continue
        chosen = part.range(total)
        if not chosen:
            raise InputError(f"{shards} shards for {total} images; expected at most as many")
        if data is not None:
            wanted = [shown_rows[place] for place in chosen]
            shown, patterns = conflict.rendered_pairs(drawn, seed, wanted, fill=fill)
            labels = shown.labels
        else:
            rows = [pairs[index] for index in chosen]
            shown = shape_set.take([row for row, _ in rows])
            patterns = texture_set.take([row for _, row in rows])
            labels = conflict.conflict_labels(shown.labels, patterns.labels)
        images, manifest = conflict.stylize_pairs(
            shown, patterns, labels, made, section, seed=seed, first=chosen.start
        )
        imageset.write(stem, images)
        write_csv(f"{stem}.manifest.csv", manifest)
        names = [path.name for path in imageset.paths(stem, masks=images.masks is not None)]
        steps.finish(stem, names, request, part, total, [])
        print(f"{stem}: shard {part.number} of {shards}, {len(images)} images", flush=True)
    if shard is None:
        steps.merge([stem for _, stem in parts], output)


@run.command("conflict-sheet")
def conflict_sheet(
    result: Annotated[Path, typer.Option(help="Stem of the conflict set.")],
    output_stem: Annotated[Path, typer.Option(help="Written as .png and .svg.")],
    data: Annotated[
        str | None, typer.Option(help="Section `data`, JSON: the renderer's exemplars.")
    ] = None,
    fill: Annotated[
        str, typer.Option(help="What the renderer's contents were filled with.")
    ] = "flat",
    contents: Annotated[Path | None, typer.Option(help="Stem of shape exemplars.")] = None,
    textures: Annotated[Path | None, typer.Option(help="Stem of texture exemplars.")] = None,
    drawn: Annotated[
        Path | None, typer.Option(help="Stem of the same conflicts made by the renderer.")
    ] = None,
    seed: Seed = 0,
    columns: Annotated[int, typer.Option(min=1, help="Images side by side.")] = 12,
) -> None:
    """Draw a contact sheet of conflict images: shape exemplar, texture exemplar and result."""
    from texshape.data import imageset
    from texshape.figures.style import save
    from texshape.figures.stylization import stylization_sheet as draw
    from texshape.parameters import from_json
    from texshape.stylize.sheet import choose_conflicts

    if (data is None) == (contents is None or textures is None):
        raise InputError("give --data, or --contents and --textures")
    given = imageset.read(result)
    exemplars = (
        (from_json(data, "--data"), seed, fill)
        if data is not None
        else (imageset.read(contents), imageset.read(textures))
    )
    chosen, rows = choose_conflicts(given, exemplars, columns)
    others = {}
    if drawn is not None:
        rendered = imageset.read(drawn)
        place = {name: row for row, name in enumerate(rendered.labels["imagename"])}
        missing = [name for name in given.labels["imagename"].iloc[rows] if name not in place]
        if missing:
            raise InputError(f"{drawn}: has no image '{missing[0]}'")
        others["renderer"] = [
            rendered.images[place[name]] for name in given.labels["imagename"].iloc[rows]
        ]
    save(draw(*chosen, others=others, columns=columns), output_stem)


@run.command("stylization-sheet")
def stylization_sheet(
    content: Annotated[Path, typer.Option(help="Stem of the contents, or a folder.")],
    styles: StylePlace,
    result: Annotated[
        Path, typer.Option(help="Stem of the result (an image set, or merged tar shards).")
    ],
    output_stem: Annotated[Path, typer.Option(help="Written as .png and .svg.")],
    settings: SettingsOption = "{}",
    columns: Annotated[int, typer.Option(min=1, help="Images side by side.")] = 12,
    bands: Annotated[int, typer.Option(min=1, help="Rows of content, style, result.")] = 2,
    title: Annotated[str, typer.Option(help="Above the images.")] = "",
) -> None:
    """Draw a contact sheet: content, style and result, evenly spaced over the set."""
    from texshape.figures.style import save
    from texshape.figures.stylization import stylization_sheet as draw
    from texshape.stylize.sheet import choose

    section = _settings(settings)
    chosen = choose(content, _styles(styles, section), result, section, count=columns * bands)
    save(draw(*chosen, columns=columns, title=title), output_stem)


# --- helpers ------------------------------------------------------------------------------------


def _settings(text: str, encoder: str | None = None, engine: str | None = None) -> StylizeSettings:
    from texshape.config.stylize import StylizeSettings
    from texshape.parameters import from_json

    section = from_json(text)
    if engine is not None:
        section["engine"] = engine
    parsed = StylizeSettings.parse(section)  # a key that is left out has the value of the papers
    if encoder is not None:
        parsed = parsed.replace(encoder=parsed.encoder.replace(name=encoder).dump())
    return parsed


def _styles(place: Path, section: StylizeSettings) -> ImageSet:
    """Styles by their place: a folder (all of it, whatever its splits), or an image set."""
    from texshape.data import imageset

    if not place.is_dir():
        found = imageset.read(place)
        if not len(found):
            raise InputError(f"{place}: holds no style")
        return found
    from texshape.stylize.styles import from_folder

    whole = section.styles.replace(split={"train": 1.0, "validation": 0.0, "test": 0.0})
    return from_folder(place, whole, section.images, tolerated=section.tolerated).split("train")


def _pixels(place: Path, section: StylizeSettings) -> np.ndarray:
    """Images for the training of a decoder: of an image set, or some of a folder."""
    import numpy as np

    from texshape.data import imageset

    if not place.is_dir():
        return np.asarray(imageset.read(place).images)
    from texshape.data.photographs import check_count, list_images, read_square
    from texshape.data.pictures import Unusable

    sources = list_images(place)
    step = max(1, len(sources) // section.decoder.images)
    pixels, unusable = [], []
    for source in sources[::step][: section.decoder.images]:
        try:
            pixels.append(read_square(source.path, section.images))
        except Unusable as error:
            unusable.append(str(error))
            print(f"texshape: warning: {error}", file=sys.stderr)
    check_count(unusable, section.tolerated, len(sources), place)
    if not pixels:
        raise InputError(f"{place}: holds no usable image")
    return np.stack(pixels)


def _of_one_size(places: list[Path], pixels: list[np.ndarray], factors: list[int]) -> None:
    """Images that go through a network in one batch, from wherever they come, once enlarged."""
    sizes = [
        f"{factor * images.shape[1]} x {factor * images.shape[2]} pixels"
        for images, factor in zip(pixels, factors, strict=True)
    ]
    enlarged = "" if factors[0] == 1 else f" times stylize.enlarge, {factors[0]}"
    for place, size in zip(places, sizes, strict=True):
        if size != sizes[0]:
            raise InputError(
                f"{place}: images of {size}; expected {sizes[0]}, as in {places[0]} (contents have "
                f"the data's size or that of stylize.images.crop{enlarged}, styles that of "
                "stylize.styles.size)"
            )


def _identity(images: Any) -> str:
    """Digest of what a request reads: names, and every image's first row of pixels."""
    import hashlib

    import numpy as np

    digest = hashlib.sha256()
    if isinstance(images, tuple):  # sources of a folder
        for source in images[0]:
            status = source.path.stat()
            digest.update(f"{source.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()
    digest.update(images.labels.to_csv(index=False).encode())
    digest.update(str(images.images.shape).encode())
    middle = images.images.shape[1] // 2
    for begin in range(0, len(images), 1024):
        digest.update(np.ascontiguousarray(images.images[begin : begin + 1024, middle]).tobytes())
    return digest.hexdigest()


def _parts(output: Path, shard: int | None, shards: int) -> list[tuple[Shard, Path]]:
    """The shards to make and their stems: the one asked for under OUTPUT itself, or all beside it."""
    from texshape.shards import Shard

    if shard is not None:
        return [(Shard(shard, shards), output)]
    return [
        (Shard(n, shards), output.with_name(f"{output.name}.shard-{n:05d}-of-{shards:05d}"))
        for n in range(shards)
    ]


def _variant(data: dict[str, Any], variant: str) -> dict[str, Any]:
    """The section with a variant's overrides merged in."""
    from texshape.data.procedural import drawn_settings

    return drawn_settings(data).variant(variant).dump()


def _pictures(data: dict[str, Any], seed: int) -> Any:
    from texshape.data import procedural

    return procedural.pictures(procedural.parse_settings(data), seed, "cue-conflict")
