"""`flux limit`: where a formula goes when a name goes to a point."""

from __future__ import annotations

import click

import flux
from flux.cli.output import json_option, show
from flux.cli.searching import searching


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula")
@click.argument("name")
@click.argument("point")
@click.option("--side", type=click.Choice(["both", "left", "right"]), default="both")
@click.option("--seconds", type=click.IntRange(1, 3600), help="For the search, instead of 2.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(
    formula: str, name: str, point: str, side: str, seconds: int | None, latex: bool, as_json: bool
) -> None:
    """Print the limit of FORMULA where NAME goes to POINT: a number, inf, -inf or a formula.

    \b
    flux limit "sin(x)/x" x 0
    flux limit "(1 + a/n)^n" n inf
    flux limit "x*log(x)" x 0 --side right
    """
    with searching(seconds):
        found = flux.limit(formula, name, point, side)
    text = found.to_latex() if latex else str(found)
    show(as_json, text, text)
