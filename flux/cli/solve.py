"""`flux solve`: the root of an equation, or of several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show
from flux.cli.searching import searching
from flux.errors import DomainError, UnknownNameError

_METHODS = ("newton", "halley", "bisection", "brent")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("equation")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--and", "others", metavar="EQUATION", multiple=True, help="Solve it together.")
@click.option("--for", "unknown", metavar="NAME", help="What to solve for; of several, x,y.")
@click.option("--method", type=click.Choice(_METHODS), default="newton", show_default=True)
@click.option("--tolerance", type=float, help="Of the step, beside the root's size.")
@click.option("--all", "every", is_flag=True, help="Print every root in the bracket, a line each.")
@click.option("--exact", is_flag=True, help="Print the roots in closed form, a line each.")
@click.option("--verbose", "-v", is_flag=True, help="Print residual, iterations and reason too.")
@json_option
def command(
    equation: str,
    values: tuple[str, ...],
    others: tuple[str, ...],
    unknown: str | None,
    method: str,
    tolerance: float | None,
    every: bool,
    exact: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Find the root of EQUATION: where its two sides are equal.

    The unknown has a start, x=2, or a bracket, x=0..3; every other name has its value. Without an
    equals sign the right side is 0. With several names and no bracket, say which one to solve for.
    Several equations are joined by --and; then a start x=0..3 is the middle of bounds.
    That no root was found is an error, and the exit code is 1.

    \b
    flux solve "x^3 - 2*x = 5" x=2
    flux solve "cos(x) = x" x=0..1
    flux solve "E - e*sin(E) = M" e=0.3 M=1 E=1 --for E
    flux solve "sin(x) = x/10" x=-10..10 --all
    flux solve "(x - 1)^3" x=4 --verbose
    flux solve "a*x^2 + b*x = c" --for x --exact
    flux solve "x^2 + y^2 = 4" --and "x*y = 1" x=2 y=0.5
    """
    if exact:
        _solve_exactly([equation, *others], values, unknown, as_json)
        return
    given = _values(values)
    _check_names(given, [equation, *others])
    if others:
        _check_one(method, every)
        _solve_system([equation, *others], given, unknown, tolerance, verbose, as_json)
        return
    if every:
        roots = flux.all_roots(equation, given, unknown=unknown, tolerance=tolerance)
        found = [float(root) for root in roots]
        show(as_json, "\n".join(map(show_number, found)) or "no roots", found)
        return
    solution = flux.solve(equation, given, unknown=unknown, method=method, tolerance=tolerance)
    if verbose or as_json:
        show(as_json, repr(solution), solution.root, **_details(solution))
    elif solution.converged:
        click.echo(show_number(solution.root))
    if not solution.converged:
        near = f"the search ended at {solution.unknown} = {show_number(solution.nearest)}"
        raise DomainError(f"no root was found: {solution.reason}", hint=near)


def _solve_exactly(
    equations: Sequence[str], values: Sequence[str], unknown: str | None, as_json: bool
) -> None:
    """Print the roots in closed form; as JSON a complex one is a pair of its parts."""
    if values:
        raise click.UsageError("--exact takes no values; write numbers into the equation")
    single = len(equations) == 1
    with searching(None):
        found = flux.solve_exactly(equations[0] if single else equations, _names(unknown, single))
    show(as_json, str(found), found.roots, complex=found.complex_roots, complete=found.complete)


def _names(unknown: str | None, single: bool = False) -> Any:
    """The names of --for: one, or a list of several."""
    if unknown is None or (single and "," not in unknown):
        return unknown
    return [name.strip() for name in unknown.split(",")]


def _check_names(given: Mapping[str, Any], equations: Sequence[str]) -> None:
    """Refuse what looks like a value and is another equation, or is for a name that is nowhere."""
    for name in given:
        if not any(name in equation for equation in equations):
            hint = "several equations are joined by --and"
            raise UnknownNameError(f"no equation has `{name}`", hint=hint)


def _check_one(method: str, every: bool) -> None:
    if every or method != "newton":
        raise click.UsageError("--all and --method are for one equation, without --and")


def _solve_system(
    equations: Sequence[str],
    given: dict[str, float | tuple[float, float]],
    unknown: str | None,
    tolerance: float | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Print the root of several equations, a line for each unknown."""
    bounds = {name: pair for name, pair in given.items() if isinstance(pair, tuple)}
    starts = {**given, **{name: low / 2 + high / 2 for name, (low, high) in bounds.items()}}
    names = _names(unknown)
    found = flux.solve_system(equations, starts, unknowns=names, bounds=bounds, tolerance=tolerance)
    root = {name: float(value) for name, value in found.root.items()}
    if verbose or as_json:
        show(as_json, repr(found), root, **_details_of_system(found))
    elif found.converged:
        click.echo("\n".join(f"{name} = {show_number(value)}" for name, value in root.items()))
    if not found.converged:
        near = ", ".join(f"{name} = {show_number(x)}" for name, x in found.nearest.items())
        raise DomainError(f"no root was found: {found.reason}", hint=f"the search ended at {near}")


def _details_of_system(found: flux.SystemSolution) -> dict[str, Any]:
    return {
        "residual": [float(f) for f in found.residual],
        "iterations": found.iterations,
        "converged": found.converged,
        "reason": found.reason,
        "condition": found.condition,
    }


def _details(solution: flux.Solution) -> dict[str, Any]:
    return {
        "unknown": solution.unknown,
        "residual": float(solution.residual),
        "iterations": int(solution.iterations),
        "converged": bool(solution.converged),
        "reason": str(solution.reason),
    }


def _values(arguments: Sequence[str]) -> dict[str, float | tuple[float, float]]:
    """The value of each name, and a pair where it has a bracket `low..high`."""
    found: dict[str, float | tuple[float, float]] = {}
    plain = []
    for argument in arguments:
        name, _, text = argument.partition("=")
        low, dots, high = text.partition("..")
        if not dots:
            plain.append(argument)
            continue
        (first, second) = (assignments([f"{name}={end}"])[name.strip()] for end in (low, high))
        if name.strip() in found:
            raise click.UsageError(f"{name.strip()} is given twice")
        found[name.strip()] = (first, second)
    numbers = assignments(plain)
    for name in numbers:
        if name in found:
            raise click.UsageError(f"{name} is given twice")
    return {**found, **numbers}
