"""Families of networks, a folder each: how they are named (``family.py``) and loaded (``load.py``).

What parses names asks `texshape.models.families.registry`, which imports nothing heavy;
`texshape.models.families.loaded` loads.
"""
