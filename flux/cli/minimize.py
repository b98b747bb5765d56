"""`flux minimize`: where a formula is least, or greatest."""

from __future__ import annotations

from typing import Any

import click

import flux
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show
from flux.cli.ranges import split
from flux.errors import DomainError

_METHODS = (
    *("newton", "bfgs", "lbfgs", "cg", "gradient", "momentum", "adam"),
    *("slsqp", "trust-constr"),
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--for", "unknowns", metavar="NAME", multiple=True, help="What to search for.")
@click.option(
    "--subject-to", "constraints", metavar="CONSTRAINT", multiple=True, help="Keep this true."
)
@click.option("--max", "maximise", is_flag=True, help="Look for the greatest value instead.")
@click.option(
    "--method", type=click.Choice(_METHODS), help="[default: newton; slsqp under constraints]"
)
@click.option("--rate", type=float, help="The step of gradient, momentum and adam.")
@click.option("--tolerance", type=float, help="Of the last step, beside the unknowns' size.")
@click.option("--steps", is_flag=True, help="Print every step: value, gradient, unknowns.")
@click.option("--verbose", "-v", is_flag=True, help="Print gradient, iterations and reason too.")
@json_option
def command(
    formula: str,
    values: tuple[str, ...],
    unknowns: tuple[str, ...],
    constraints: tuple[str, ...],
    maximise: bool,
    method: str | None,
    rate: float | None,
    tolerance: float | None,
    steps: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Find where FORMULA is least.

    Every name has a start, x=2, or bounds, x=0..3, or both. All of them are searched for, unless
    --for says which; then the others keep their values. The answer is a line for each, and one for
    the value. A search that does not end at a minimum is an error that says what it met, a saddle
    or a slope without end, and the exit code is 1.

    \b
    flux minimize "(x - 3)^2" x=0
    flux minimize "(1 - x)^2 + 100*(y - x^2)^2" x=-1.2 y=1 --method bfgs
    flux minimize "x^2 - a*x" x=0..1 a=5 --for x
    flux minimize "x*exp(-x)" x=0.5 --max --verbose
    flux minimize "x^2 + y^2" x=1 y=2 --subject-to "x + y = 1"
    """
    starts, bounds = split(values)
    given = {**{name: ends for name, ends in bounds.items() if name not in starts}, **starts}
    search = flux.maximize if maximise else flux.minimize
    found = search(
        formula, given, unknowns=list(unknowns) or None,
        bounds={name: ends for name, ends in bounds.items() if name in starts},
        subject_to=list(constraints), method=method, rate=rate, tolerance=tolerance,
    )  # fmt: skip
    if as_json:
        show(True, "", found.values, **_details(found, steps))
    else:
        _print(found, steps, verbose)
    if not found.converged:
        goal = "maximum" if maximise else "minimum"
        near = ", ".join(f"{name} = {show_number(at)}" for name, at in found.values.items())
        raise DomainError(
            f"no {goal} was found: {found.reason}", hint=f"the search ended at {near}"
        )


def _print(found: flux.Minimum, steps: bool, verbose: bool) -> None:
    for step in found.steps if steps else ():
        at = "  ".join(f"{name}={value:.9g}" for name, value in step.values.items())
        click.echo(f"{step.value:<16.9g}{step.gradient_norm:<10.2e}{at}")
    if verbose:
        click.echo(repr(found))
    elif found.converged:
        for name, value in found.values.items():
            click.echo(f"{name} = {show_number(value)}")
        click.echo(f"value = {show_number(found.value)}")


def _details(found: flux.Minimum, steps: bool) -> dict[str, Any]:
    """What JSON says beside the values; every step where they are asked for."""
    return {
        "value": found.value,
        "gradient_norm": found.gradient_norm,
        "iterations": found.iterations,
        "evaluations": found.evaluations,
        "converged": found.converged,
        "reason": found.reason,
        "method": found.method,
        "multipliers": found.multipliers,
        "violation": found.violation,
        **({"steps": [step._asdict() for step in found.steps]} if steps else {}),
    }
