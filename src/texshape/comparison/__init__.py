"""The comparison across measures: one table of all, and what can be said about them together."""
