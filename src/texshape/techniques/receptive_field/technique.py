"""Receptive fields: the declaration."""

from __future__ import annotations

from texshape.techniques.base import File, Technique
from texshape.techniques.receptive_field.measures import MEASURES
from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD

TECHNIQUE = Technique(
    name="receptive_field",
    title="receptive field",
    question="How far do the units of each stage see, by their connections and by their gradients?",
    paper="Luo and others 2016, arXiv 1701.04128; Araujo, Norris and Sim 2019, Distill 10.23915/distill.00021",
    run="texshape.techniques.receptive_field.technique_run:run",
    applies="texshape.techniques.reasons:without_stages",
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
)
