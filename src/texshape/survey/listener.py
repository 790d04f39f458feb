"""Who is told how far a survey has come."""

from __future__ import annotations


class Listener:
    """Is told how far a survey has come; this one says nothing."""

    def network(self, name: str, number: int, networks: int, steps: int) -> None:
        """A network's turn has come, with so many steps."""

    def beside(self) -> Listener:
        """Who is told of one network while others are measured beside it."""
        return self

    def step(self, title: str) -> None:
        """A step begins."""

    def done(self, ran: bool) -> None:
        """A step has ended; it had to run, or was there from an earlier time."""

    def finish(self) -> None:
        """All networks are measured; tables, figures and the report follow."""
