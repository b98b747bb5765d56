"""`flux simplify`: a formula of the same value, usually smaller."""

from __future__ import annotations

import click

import flux
from flux.cli.output import json_option, show


@click.command()
@click.argument("formula")
@click.option("--exact", is_flag=True, help="Only rules that hold bit for bit in floating point.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(formula: str, exact: bool, latex: bool, as_json: bool) -> None:
    """Simplify FORMULA.

    The value is kept wherever FORMULA has one; x/x becomes 1, also at 0.

    \b
    flux simplify "x*x + 2*x^2 - 0"
    flux simplify "log(exp(x))"
    flux simplify "sin(x)^2 + cos(x)^2" --latex
    flux simplify "(x + 0)/1" --exact
    """
    found = flux.parse(formula).simplify(exact=exact)
    text = found.to_latex() if latex else str(found)
    show(as_json, text, text)
