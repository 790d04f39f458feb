"""texshape: how much texture and how much shape a vision network uses, and how much of each it knows."""

__version__ = "0.1.0"
