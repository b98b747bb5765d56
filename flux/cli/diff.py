"""`flux diff`: the derivative of a formula."""

from __future__ import annotations

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show
from flux.errors import did_you_mean
from flux.expr import Expr, inputs


@click.command()
@click.argument("formula")
@click.argument("name")
@click.option(
    "--order", "-n", default=1, show_default=True, type=click.IntRange(0, 100), help="How often."
)
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Evaluate it there.")
@click.option("--raw", is_flag=True, help="As the differentiator builds it, not simplified.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(
    formula: str,
    name: str,
    order: int,
    at: tuple[str, ...],
    raw: bool,
    latex: bool,
    as_json: bool,
) -> None:
    """Differentiate FORMULA by NAME.

    The derivative is again a formula, which flux reads: parts that occur more than once have lines
    of their own.

    \b
    flux diff "x^3" x
    flux diff "x*sin(x)" x --order 2
    flux diff "a*exp(-b*t)" b
    flux diff "x^x" x --at x=2
    flux diff "exp(-x^2/2)" x --latex
    """
    e = flux.parse(formula)
    _note_absent(e, name)
    derivative = e.diff(name, order)
    if not raw:
        derivative = derivative.simplify()
    if at:
        value = derivative.evaluate(assignments(at))
        show(as_json, show_number(value), value, derivative=str(derivative))
    else:
        text = derivative.to_latex() if latex else str(derivative)
        show(as_json, text, text)


def _note_absent(e: Expr, name: str) -> None:
    """Say on standard error that the derivative is 0 because the formula has no such name."""
    names = [x.attributes.name for x in inputs(e)]
    if name not in names:
        hint = did_you_mean(name, names)
        click.echo(f"note: the formula has no `{name}`" + (f"; {hint}" if hint else ""), err=True)
