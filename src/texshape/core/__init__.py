"""The ground: what knows no science."""
