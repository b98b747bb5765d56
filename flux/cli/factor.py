"""`flux factor`: a formula as a product of factors."""

from __future__ import annotations

import click

import flux
from flux.cli.output import json_option, show
from flux.cli.searching import searching


@click.command()
@click.argument("formula")
@click.option("--seconds", type=click.IntRange(1, 3600), help="For the search, instead of 2.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(formula: str, seconds: int | None, latex: bool, as_json: bool) -> None:
    """Write FORMULA as a product of factors with rational coefficients.

    \b
    flux factor "2*x^2 - 8"
    flux factor "x^3 - 3*x^2*y + 3*x*y^2 - y^3"
    flux factor "exp(2*x) - 1" --latex
    """
    with searching(seconds):
        found = flux.parse(formula).factor()
    text = found.to_latex() if latex else str(found)
    show(as_json, text, text)
