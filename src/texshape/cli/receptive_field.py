"""Steps for receptive fields and feature visualization.

    texshape run receptive-field --network CKPT --untrained CKPT0 --set data/base/test-plain \
        --settings '{"images": 64}' --seed 0 --output receptive_field.csv --maps influence.npz
    texshape run feature-visualization --network CKPT --settings '{"steps": 256}' --seed 0 \
        --output features.npz
    texshape run architectures --output architectures.csv
    texshape run figure-influence --maps influence.npz --output-stem figures/effective_receptive_field
    texshape run figure-feature-visualization --input features.npz \
        --output-stem figures/feature_visualization
    texshape run figure-architectures --table architectures.csv --output-stem figures/architectures
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.evaluate import load_network
from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError

Network = Annotated[str, typer.Option(help="Name of a network, or the path of a checkpoint.")]
Settings = Annotated[str, typer.Option(help="JSON object, a section of the parameters.")]
Evaluation = Annotated[str, typer.Option(help="Section `evaluation`, as JSON.")]
Seed = Annotated[int, typer.Option(help="Of untrained weights, images and channels drawn.")]
Threads = Annotated[int, typer.Option(help="Threads of the CPU.")]
Set = Annotated[str | None, typer.Option("--set", help="Stem of the image set.")]
Stem = Annotated[Path, typer.Option(help="Where .svg and .png are written.")]


@run.command("receptive-field")
@failures("receptive_field.batch_size")
def receptive_field_command(
    network: Network,
    output: Annotated[Path, typer.Option(help="CSV to write, one row a stage.")],
    image_set: Set = None,
    untrained: Annotated[
        str | None, typer.Option(help="Checkpoint before training; random weights by default.")
    ] = None,
    maps: Annotated[
        Path | None, typer.Option(help="Also write the maps of influence here (.npz).")
    ] = None,
    settings: Settings = "{}",
    evaluation: Evaluation = "{}",
    seed: Seed = 0,
    draw: Annotated[
        int | None, typer.Option(min=0, help="Seed of the images drawn; default: --seed.")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Theoretical and effective receptive field of each stage."""
    from texshape.config.evaluation import EvaluationSettings
    from texshape.techniques.receptive_field.settings import ReceptiveFieldSettings

    given = ReceptiveFieldSettings.read(settings)
    how = EvaluationSettings.read(evaluation, "--evaluation")
    compute.prepare(threads)
    from texshape.techniques.receptive_field.measure import measure, write_maps
    from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD

    table, influences = measure(
        network,
        untrained=untrained,
        image_set=image_set,
        seed=seed,
        draw=draw,
        evaluation=how,
        **dict(given),
    )
    if maps is not None:
        write_maps(maps, influences)
    RECEPTIVE_FIELD.write(output, table)


@run.command("architectures")
def architectures_command(
    output: Annotated[Path, typer.Option(help="CSV to write.")],
) -> None:
    """The published table of receptive fields, with those that our tracer finds beside it."""
    from texshape.techniques.receptive_field.architectures import measured
    from texshape.techniques.receptive_field.tables import ARCHITECTURES

    ARCHITECTURES.write(output, measured())


@run.command("feature-visualization")
@failures("feature_visualization.channels")
def feature_visualization_command(
    network: Network,
    output: Annotated[Path, typer.Option(help="File of images and labels to write (.npz).")],
    image_set: Set = None,
    settings: Settings = "{}",
    evaluation: Evaluation = "{}",
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Images that excite some channels of each stage."""
    from texshape.config.evaluation import EvaluationSettings
    from texshape.techniques.feature_visualization.settings import FeatureVisualizationSettings

    given = FeatureVisualizationSettings.read(settings)
    if given.selection == "variance" and image_set is None:
        raise InputError(
            "feature_visualization.selection: 'variance' needs images: give --set STEM"
        )
    how = EvaluationSettings.read(evaluation, "--evaluation")
    compute.prepare(threads)
    from texshape.data import imageset
    from texshape.techniques.feature_visualization import optimise as features

    loaded = load_network(network, False, seed, how)
    shown = imageset.read(image_set).images if image_set is not None else None
    result = features.of_settings(loaded, given, seed=seed, images=shown)
    features.write(output, result, model=loaded.name, seed=seed, steps=given.steps)


@run.command("figure-influence")
def figure_influence_command(
    maps: Annotated[Path, typer.Option(help="Maps of influence (.npz).")], output_stem: Stem
) -> None:
    """Maps of influence by stage, before and after training."""
    from texshape.figures import style
    from texshape.techniques.receptive_field import influence_figure as effective_receptive_field

    with style.style():
        figure = effective_receptive_field.draw(maps)
    style.save(figure, output_stem)


@run.command("figure-feature-visualization")
def figure_feature_visualization_command(
    images: Annotated[
        list[Path], typer.Option("--input", help="File of images (.npz); repeat for networks.")
    ],
    output_stem: Stem,
) -> None:
    """Images that excite channels, stages from left to right."""
    from texshape.figures import style
    from texshape.techniques.feature_visualization import figure as feature_visualization

    with style.style():
        figure = feature_visualization.draw(images)
    style.save(figure, output_stem)


@run.command("figure-architectures")
def figure_architectures_command(
    table: Annotated[Path, typer.Option(help="CSV of `architectures`.")],
    output_stem: Stem,
    receptive_field: Annotated[
        Path | None, typer.Option(help="Table receptive_field.csv of our networks.")
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(help="Table accuracy.csv of our networks.")
    ] = None,
) -> None:
    """Receptive field against accuracy: the published table, and our networks."""
    from texshape.figures import style
    from texshape.techniques.receptive_field import architectures_figure as architectures

    with style.style():
        figure = architectures.draw(table, receptive_field=receptive_field, accuracy=accuracy)
    style.save(figure, output_stem)
