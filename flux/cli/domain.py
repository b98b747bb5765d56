"""`flux domain`: where a formula is defined."""

from __future__ import annotations

import click

import flux


@click.command()
@click.argument("formula")
def command(formula: str) -> None:
    """Print the conditions under which FORMULA is defined, a line each.

    What holds anyway is left out; overflow is left aside.

    \b
    flux domain "log(x)/sqrt(y - 1)"
    flux domain "where(x > 0, log(x), 0)"
    """
    conditions = flux.parse(formula).domain()
    click.echo("\n".join(map(str, conditions)) or "everywhere")
