"""An experiment: its plan, the names of its networks, and where each of its files lies."""
