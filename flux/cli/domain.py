"""`flux domain`: where a formula is defined."""

from __future__ import annotations

import click

import flux
from flux.cli.output import json_option, show


@click.command()
@click.argument("formula")
@json_option
def command(formula: str, as_json: bool) -> None:
    """Print the conditions under which FORMULA is defined, a line each.

    What holds anyway is left out; overflow is left aside.

    \b
    flux domain "log(x)/sqrt(y - 1)"
    flux domain "where(x > 0, log(x), 0)"
    """
    conditions = [str(condition) for condition in flux.parse(formula).domain()]
    show(as_json, "\n".join(conditions) or "everywhere", conditions)
