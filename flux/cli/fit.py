"""`flux fit`: the parameters of a model that are nearest to the rows of a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.delimited import read_table
from flux.errors import NotFoundError

_LOSSES = ("squares", "huber", "soft_l1", "cauchy", "welsch", "arctan")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("model")
@click.argument("table")
@click.argument("starts", nargs=-1, metavar="[NAME=START|NAME=LOW..HIGH|NAME]...")
@click.option("--fix", multiple=True, metavar="NAME=VALUE", help="A parameter that is known.")
@click.option(
    "--bound", multiple=True, metavar="NAME=LOW..HIGH", help="Either end may be left out."
)
@click.option("--sigma", metavar="COLUMN", help="The standard deviation of each observation.")
@click.option("--weights", metavar="COLUMN", help="Instead of it: 1/sigma^2.")
@click.option("--absolute", is_flag=True, help="Sigma is the noise itself, not up to a factor.")
@click.option("--loss", type=click.Choice(_LOSSES), default="squares", show_default=True)
@click.option("--groups", metavar="COLUMN", help="Which group each row belongs to.")
@click.option("--per-group", multiple=True, metavar="NAME", help="It has a value for each group.")
@click.option(
    "--tries", type=click.IntRange(1, 10_000), default=1, help="Starts: yours and others."
)
@click.option("--drop-missing", is_flag=True, help="Leave out rows without a number.")
@click.option("--also", multiple=True, metavar="FORMULA", help="Of parameters: with its interval.")
@click.option("--level", type=click.FloatRange(0, 1, True, True), default=0.95, show_default=True)
@click.option("--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf.")
@click.option("--across", metavar="COLUMN", help="The horizontal axis of the picture.")
@click.option("--log", is_flag=True, help="That axis is logarithmic.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str,
    table: str,
    starts: tuple[str, ...],
    fix: tuple[str, ...],
    bound: tuple[str, ...],
    sigma: str | None,
    weights: str | None,
    absolute: bool,
    loss: str,
    groups: str | None,
    per_group: tuple[str, ...],
    tries: int,
    drop_missing: bool,
    also: tuple[str, ...],
    level: float,
    plot: str | None,
    across: str | None,
    log: bool,
    as_json: bool,
) -> None:
    """Fit MODEL to TABLE by least squares.

    TABLE is a file with commas, tabs or semicolons between columns and their names in the first
    line; gzip is read too, and - is standard input. The names of MODEL are columns or parameters. A
    parameter has a start, a=200, or bounds to search between, n=0.5..4; a model that is linear in
    its parameters needs their names only. A fit that does not converge is printed, and is an error
    with exit code 1.

    \b
    flux fit "y = a + b*x" line.csv a b
    flux fit "y = a*(1 - exp(-b*x))" growth.csv a=200 b=0.001
    flux fit "y = vmax*s/(km + s)" rates.tsv vmax=1 km=0.1..50 --also "vmax/km"
    flux fit "y = top/(1 + (dose/ec50)^n)" plate.csv top=1 ec50=3 n=1 --log --plot fit.png
    flux fit "y = a*exp(-k*t)" runs.csv.gz a=1 k=1 --groups run --per-group a --loss huber
    """
    data = read_table(table)
    begun, pairs, bare = _starts(starts)
    bounds = {**{name: _ends(text) for name, text in pairs.items()}, **_bounds(bound)}
    begun |= {name: _middle(name, *_ends(text)) for name, text in pairs.items()}
    found = flux.fit(
        model,
        data,
        begun,
        parameters=bare,
        fixed=assignments(fix) or None,
        bounds=bounds or None,
        sigma=sigma,
        weights=weights,
        absolute=absolute,
        loss=loss,
        groups=None if groups is None else data.texts(groups),
        per_group=per_group,
        starts=tries,
        missing="drop" if drop_missing else "raise",
    )
    estimates = {formula: found.estimate(formula, level) for formula in also}
    click.echo(_json(found, estimates, level) if as_json else _text(found, estimates, level))
    if plot is not None:
        found.plot(plot, x=across, log=log, level=level)
    if not found.converged:
        raise NotFoundError(f"the fit did not converge: {found.reason}", hint="try other starts")


# Starts and bounds.


def _starts(
    arguments: Sequence[str],
) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Starts, the texts of bounds, and names alone."""
    names = [argument.partition("=")[0].strip() for argument in arguments]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"{name} is given twice")
    pairs = {n: a.partition("=")[2] for n, a in zip(names, arguments, strict=True) if ".." in a}
    bare = [argument for argument in arguments if "=" not in argument]
    plain = [a for a in arguments if "=" in a and ".." not in a]
    return assignments(plain), pairs, bare


def _bounds(arguments: Sequence[str]) -> dict[str, tuple[float | None, float | None]]:
    found = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or ".." not in text:
            raise click.UsageError(f"--bound expects NAME=LOW..HIGH, found {argument!r}")
        found[name.strip()] = _ends(text)
    return found


def _ends(text: str) -> tuple[float | None, float | None]:
    low, _, high = text.partition("..")
    first, second = (flux.evaluate(end) if end.strip() else None for end in (low, high))
    return first, second


def _middle(name: str, low: float | None, high: float | None) -> float:
    if low is None or high is None:
        raise click.UsageError(f"{name} needs a start: {name}=1 --bound {name}=0..")
    return low / 2 + high / 2


# Output.


def _text(found: flux.Fit, estimates: dict[str, Any], level: float) -> str:
    lines = [found.table(level)]
    for formula, e in estimates.items():
        lines.append(f"{formula}: {e.value:.8g} ({e.error:.3g}), {e.low:.6g} .. {e.high:.6g}")
    return "\n".join(lines)


def _json(found: flux.Fit, estimates: dict[str, Any], level: float) -> str:
    intervals = found.intervals(level)
    parameters = {
        name: {
            "value": _number(value),
            "error": _number(found.errors[name]),
            "interval": [_number(end) for end in intervals.get(name, (value, value))],
        }
        for name, value in found.values.items()
    }
    content = {
        "model": found.model,
        "converged": found.converged,
        "reason": found.reason,
        "iterations": found.iterations,
        "rows": found.residuals.size,
        "level": level,
        "parameters": parameters,
        "also": {
            formula: {"value": _number(e.value), "error": _number(e.error),
                      "interval": [_number(e.low), _number(e.high)]}
            for formula, e in estimates.items()
        },
        "undetermined": list(found.undetermined),
        "at_bounds": list(found.at_bounds),
        "names": list(found.names),
        "covariance": [[_number(c) for c in row] for row in found.covariance.tolist()],
        **{name: _number(value) for name, value in _figures(found).items()},
    }  # fmt: skip
    return json.dumps(content, indent=2)


def _figures(found: flux.Fit) -> dict[str, float]:
    return {
        "chi_square": found.chi_square,
        "degrees_of_freedom": found.degrees_of_freedom,
        "noise": found.noise,
        "r_squared": found.r_squared,
        "aic": found.aic,
        "bic": found.bic,
    }


def _number(value: float) -> float | None:
    """A number as JSON has it: null where it is none."""
    return value if math.isfinite(value) else None
