"""`flux eval`: the value of a formula."""

from __future__ import annotations

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.numbers import show_number


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
def command(formula: str, values: tuple[str, ...]) -> None:
    """Evaluate FORMULA, with a value for each of its names.

    A value is itself a formula without names: 5, -0.5, 2*pi. Outside the domain of an operation
    the answer is an error that says which operation it was.

    \b
    flux eval "1 + 1"
    flux eval "a + b*2" a=5 b=10
    flux eval "sqrt(x^2 + y^2)" x=3 y=4
    flux eval "x > 2 ? log(x) : 0" x=e^2
    flux eval "142 * min(s/0.9, 1)^-0.302 * 0.9938^age" s=1.1 age=54
    """
    click.echo(show_number(flux.evaluate(formula, assignments(values))))
