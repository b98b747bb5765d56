"""`flux simplify`: a formula of the same value, usually smaller."""

from __future__ import annotations

import click

import flux


@click.command()
@click.argument("formula")
@click.option("--exact", is_flag=True, help="Only rules that hold bit for bit in floating point.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
def command(formula: str, exact: bool, latex: bool) -> None:
    """Simplify FORMULA.

    The value is kept wherever FORMULA has one; x/x becomes 1, also at 0.

    \b
    flux simplify "x*x + 2*x^2 - 0"
    flux simplify "log(exp(x))"
    flux simplify "sin(x)^2 + cos(x)^2" --latex
    flux simplify "(x + 0)/1" --exact
    """
    found = flux.parse(formula).simplify(exact=exact)
    click.echo(found.to_latex() if latex else str(found))
