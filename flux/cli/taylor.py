"""`flux taylor`: a formula in powers about a point."""

from __future__ import annotations

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show


@click.command()
@click.argument("formula")
@click.argument("name")
@click.option("--about", default="0", show_default=True, metavar="X0", help="The point.")
@click.option(
    "--degree", "-n", default=6, show_default=True, type=click.IntRange(0, 1000), help="To there."
)
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Evaluate the polynomial there.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(
    formula: str,
    name: str,
    about: str,
    degree: int,
    at: tuple[str, ...],
    latex: bool,
    as_json: bool,
) -> None:
    """Expand FORMULA in powers of NAME about a point.

    Coefficients are exact where the formula is.

    \b
    flux taylor "cos(x)" x
    flux taylor "log(x)" x --about 1 --degree 4
    flux taylor "sin(x)/x" x --degree 8 --latex
    flux taylor "exp(a*x)" x --about b -n 2
    flux taylor "exp(x)" x --at x=0.1
    """
    polynomial = flux.parse(formula).series(name, about, degree)
    if at:
        value = polynomial.evaluate(assignments(at))
        show(as_json, show_number(value), value, polynomial=str(polynomial))
    else:
        text = polynomial.to_latex() if latex else str(polynomial)
        show(as_json, text, text)
