"""`flux integrate`: an antiderivative of a formula, or its integral between two numbers."""

from __future__ import annotations

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show
from flux.cli.searching import searching


@click.command()
@click.argument("formula")
@click.argument("name")
@click.option("--from", "low", metavar="A", help="The lower end: a number, -inf, a formula.")
@click.option("--to", "high", metavar="B", help="The upper end: a number, inf, a formula.")
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Values of the other names.")
@click.option("--exact", is_flag=True, help="From A to B: look for a closed form too.")
@click.option("--error", is_flag=True, help="From A to B: print the error and the method too.")
@click.option("--seconds", type=click.IntRange(1, 3600), help="For the search, instead of 2.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(
    formula: str,
    name: str,
    low: str | None,
    high: str | None,
    at: tuple[str, ...],
    exact: bool,
    error: bool,
    seconds: int | None,
    latex: bool,
    as_json: bool,
) -> None:
    """Integrate FORMULA by NAME.

    Without ends the answer is an antiderivative, which has been checked by differentiating it. From
    A to B it is a number, with an error that is estimated.

    \b
    flux integrate "x*exp(-x)" x
    flux integrate "1/(1 + x^2)" x --latex
    flux integrate "exp(-x^2/2)" x --from -inf --to inf
    flux integrate "vmax*s/(km + s)" s --from 0 --to 10 --at vmax=2 --at km=3
    flux integrate "x^x" x --from 0 --to 1 --error
    flux integrate "log(x)^2" x --from 0 --to 1 --exact
    """
    e = flux.parse(formula)
    with searching(seconds):
        if low is None and high is None and not at:
            found = flux.integrate(e, name)
            text = found.to_latex() if latex else str(found)
            show(as_json, text, text)
            return
        if low is None or high is None:
            raise click.UsageError("a definite integral needs both --from and --to")
        method = "auto" if exact else "numeric"
        result = flux.integrate(e, name, low, high, assignments(at), method=method)
    lines = [show_number(result.value)]
    if exact:
        lines.append(f"closed form: {result.exact if result.exact is not None else 'not found'}")
    if error:
        lines.append(f"error: {result.error:.2g} ({result.method}, {result.points} points)")
    closed = None if result.exact is None else str(result.exact)
    more = {"error": result.error, "method": result.method, "points": result.points}
    show(as_json, "\n".join(lines), result.value, exact=closed, **more)
