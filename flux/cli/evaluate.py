"""`flux eval`: the value of a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import flux
from flux.cli.assignments import assignments, texts
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show
from flux.syntax import parse_block

if TYPE_CHECKING:
    from flux.precision import Digits, Interval, PrecisionReport


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--digits", type=int, metavar="N", help="So many digits, each of them proved.")
@click.option("--check", is_flag=True, help="Say how many digits are right in float64.")
@json_option
def command(
    formula: str, values: tuple[str, ...], digits: int | None, check: bool, as_json: bool
) -> None:
    """Evaluate FORMULA, with a value for each of its names.

    A value is itself a formula without names: 5, -0.5, 2*pi. Outside the domain of an operation
    the answer is an error that says which operation it was. With an interval, x=0..1, the answer
    is one that holds every value.

    \b
    flux eval "1 + 1"
    flux eval "a + b*2" a=5 b=10
    flux eval "sqrt(x^2 + y^2)" x=3 y=4
    flux eval "x > 2 ? log(x) : 0" x=e^2
    flux eval "142 * min(s/0.9, 1)^-0.302 * 0.9938^age" s=1.1 age=54
    flux eval "gamma(x)" x=1/3 --digits 50
    flux eval "1 - cos(x)" x=1e-8 --check
    flux eval "x*exp(-x)" x=0..1
    """
    if check and digits is not None:
        raise click.UsageError("--check and --digits do not go together")
    given = texts(values)
    if any(".." in text for text in given.values()):
        if check or digits is not None:
            raise click.UsageError("an interval has no digits")
        _show_interval(flux.interval(formula, _intervals(given)), as_json)
    elif check:
        _show_report(flux.check_precision(formula, given), as_json)
    elif digits is not None:
        _show_digits(_digits(formula, given, digits), as_json)
    else:
        value = flux.evaluate(formula, assignments(values))
        show(as_json, show_number(value), value)


def _digits(formula: str, given: dict[str, str], digits: int) -> Digits:
    from flux.precision import evaluate_digits  # mpmath, which most evaluations need nothing of

    block = parse_block(formula, given=given)
    return evaluate_digits(block.result, digits, given, block.origins)


def _intervals(given: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in given.items():
        low, dots, high = text.partition("..")
        found[name] = tuple(_end(end) for end in (low, high)) if dots else text
    return found


def _end(text: str) -> Any:
    """An end of an interval: a formula, or an infinity."""
    infinities = {"inf": float("inf"), "-inf": float("-inf")}
    return infinities.get(text.strip(), text)


def _show_digits(found: Digits, as_json: bool) -> None:
    show(as_json, str(found), str(found), exact=found.exact)


def _show_interval(found: Interval, as_json: bool) -> None:
    ends = [] if found.empty else [found.low, found.high]
    show(as_json, str(found), ends, defined=found.defined)


def _show_report(found: PrecisionReport, as_json: bool) -> None:
    losses = [
        {"part": str(x.part), "before": x.before, "after": x.after, "hint": x.hint}
        for x in found.losses
    ]
    more = {"exact": str(found.exact), "digits": found.digits, "losses": losses}
    show(as_json, str(found), found.value, **more)
