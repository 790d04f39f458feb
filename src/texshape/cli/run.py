"""`texshape run STEP`: the steps of the pipeline, one command each, as Snakemake's rules call them.

A technique is a step by its name (`texshape.cli.technique`), those of installed packages too.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from texshape.errors import nearest


class Steps(TyperGroup):
    """The steps that modules register, and every technique by its name."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        from texshape.cli.technique import step
        from texshape.techniques import registry

        name = cmd_name.replace("-", "_")
        technique = registry.get(name) if name in registry.names() else None
        if technique is None or not technique.run:
            return None
        return step(technique, registry.package(name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:  # of click, or of the copy of it within typer
            message = getattr(error, "message", "")
            if args and message and "Did you mean" not in message:
                hint = nearest(args[0], self.list_commands(ctx))
                error.message = f"{message.rstrip('.')}{hint}."  # type: ignore[attr-defined]
            raise

    def list_commands(self, ctx: Any) -> list[str]:
        from texshape.techniques import registry

        known = super().list_commands(ctx)
        named = [name for name in registry.names() if name not in registry.TOGETHER]
        return sorted({*known, *(name.replace("_", "-") for name in named)})


run = typer.Typer(
    cls=Steps,
    help="Run one step of the pipeline (what Snakemake's rules call).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
