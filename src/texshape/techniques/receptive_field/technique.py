"""Receptive fields: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, File, Observations, Technique
from texshape.techniques.receptive_field.measures import MEASURES
from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="receptive_field",
    title="receptive field",
    question="How far do the units of each stage see, by their connections and by their gradients?",
    paper="Luo and others 2016, arXiv 1701.04128; Araujo, Norris and Sim 2019, Distill 10.23915/distill.00021",
    explanation="receptive-field",
    heading="sees",
    run="texshape.techniques.receptive_field.technique_run:run",
    applies="texshape.techniques.reasons:without_stages",
    ahead="texshape.techniques.receptive_field.technique_run:ahead",
    settings="texshape.techniques.receptive_field.settings:ReceptiveFieldSettings",
    tables=(RECEPTIVE_FIELD,),
    files=(File("influence.npz", "mean squared gradient by position, a map each stage"),),
    sections=("evaluation",),
    images=("plain|conflict",),
    network=True,
    untrained=True,
    one_seed=True,
    batch="receptive_field.batch_size",
    gpu=True,
    memory=3000,
    measures=MEASURES,
    observations=(
        Observations(
            "receptive_field", "effective_trained", "effective_receptive_field", {"n": "n_images"}
        ),
    ),
    figures=(
        Figure(
            name="local_patches",
            tables=("accuracy", "receptive_field"),
            draw="texshape.techniques.receptive_field.figure:accuracy_by_field",
            caption="Accuracy against receptive field, for networks trained and tested on plain or on "
            "stylized images. Points are seeds. Hollow markers are the control: the same "
            "receptive field in a wider network.",
            chapter="4 How far it sees",
            needs="trained",
        ),
        Figure(
            name="receptive_field",
            tables=("receptive_field",),
            draw="texshape.techniques.receptive_field.figure:by_stage",
            caption="Side of the receptive field by stage: theoretical, and effective before and "
            "after training. A field is global where something looks at the whole map, and "
            "undefined where positions cannot be followed.",
            chapter="4 How far it sees",
        ),
        Figure(
            name="influence",
            caption="Which pixels the central unit of each stage depends on, before and after "
            "training. The square holds the stated share of the influence.",
            chapter="4 How far it sees",
        ),
        Figure(
            name="architectures",
            caption="Theoretical receptive field and accuracy of published networks, after Araujo et "
            "al. (2019), and of the networks of this experiment.",
            chapter="4 How far it sees",
        ),
    ),
    section=Typst("texshape.techniques.receptive_field:article.typ", part="fields"),
)
