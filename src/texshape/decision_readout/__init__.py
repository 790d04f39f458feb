"""Decisions by a linear read-out of the last stage, fitted on labelled photographs; no classes needed."""
