"""A survey: networks through every technique that needs no training, beside humans and published networks.

`run` (in `texshape.survey.survey`) fills a folder laid out like an experiment's results, so tables, figures and
trial files are those of the workflow. Each technique is a step that is skipped where its record says that
nothing it depends on has changed.
"""
