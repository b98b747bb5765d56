"""`flux fit`: the parameters of a model that are nearest to the rows of a table."""

from __future__ import annotations

from typing import Any

import click

import flux
from flux.cli.assignments import assignments
from flux.cli.delimited import read_table
from flux.cli.output import json_option, show
from flux.cli.pace import paced
from flux.cli.ranges import split
from flux.errors import NotFoundError
from flux.numeric.fitting import Profile

_LOSSES = ("squares", "huber", "soft_l1", "cauchy", "welsch", "arctan")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("model")
@click.argument("table")
@click.argument("starts", nargs=-1, metavar="[NAME=START|NAME=LOW..HIGH|NAME]...")
@click.option("--fix", multiple=True, metavar="NAME=VALUE", help="A parameter that is known.")
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
@click.option("--profile", is_flag=True, help="Intervals by the likelihood, not by linear errors.")
@click.option("--plot", "-o", metavar="FILE", help="Draw it: .png, .svg or .pdf.")
@click.option("--across", metavar="COLUMN", help="The horizontal axis of the picture.")
@click.option("--log", is_flag=True, help="That axis is logarithmic.")
@json_option
def command(
    model: str,
    table: str,
    starts: tuple[str, ...],
    fix: tuple[str, ...],
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
    profile: bool,
    plot: str | None,
    across: str | None,
    log: bool,
    as_json: bool,
) -> None:
    """Fit MODEL to TABLE by least squares.

    TABLE is a file with commas, tabs or semicolons between columns and their names in the first
    line; gzip is read too, and - is standard input. The names of MODEL are columns or parameters. A
    parameter has a start, a=200, or bounds to search between, n=0.5..4, or both, b=1 b=0..inf; a
    model that is linear in its parameters needs their names only. A fit that does not converge is
    printed, and is an error with exit code 1.

    \b
    flux fit "y = a + b*x" line.csv a b
    flux fit "y = a*(1 - exp(-b*x))" growth.csv a=200 b=0.001
    flux fit "y = vmax*s/(km + s)" rates.tsv vmax=1 km=0.1..50 --also "vmax/km" --profile
    flux fit "y = top/(1 + (dose/ec50)^n)" plate.csv top=1 ec50=3 n=1 --log --plot fit.png
    flux fit "y = a*exp(-k*t)" runs.csv.gz a=1 k=1 --groups run --per-group a --loss huber
    """
    data = read_table(table)
    bare = [argument for argument in starts if "=" not in argument]
    begun, ranges = split([argument for argument in starts if "=" in argument])
    found = flux.fit(
        model,
        data,
        {**ranges, **begun},
        parameters=bare,
        fixed=assignments(fix) or None,
        bounds={name: ends for name, ends in ranges.items() if name in begun} or None,
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
    profiles = _profiles(found, level) if profile and found.converged else None
    text = _text(found, estimates, level, profiles)
    show(as_json, text, found.values, **_details(found, estimates, level, profiles))
    if plot is not None:
        found.plot(plot, x=across, log=log, level=level)
    if not found.converged:
        raise NotFoundError(f"the fit did not converge: {found.reason}", hint="try other starts")


def _profiles(found: flux.Fit, level: float) -> dict[str, Profile]:
    """The interval of each parameter by its likelihood."""
    return {name: found.profile(name, level) for name in paced(found.names, "profiles")}


def _text(
    found: flux.Fit,
    estimates: dict[str, Any],
    level: float,
    profiles: dict[str, Profile] | None,
) -> str:
    lines = [found.table(level, profiles)]
    for formula, e in estimates.items():
        lines.append(f"{formula}: {e.value:.8g} ({e.error:.3g}), {e.low:.6g} .. {e.high:.6g}")
    return "\n".join(lines)


def _details(
    found: flux.Fit,
    estimates: dict[str, Any],
    level: float,
    profiles: dict[str, Profile] | None,
) -> dict[str, Any]:
    """What JSON says beside the values."""
    return {
        **({} if profiles is None else {"profiles": _profile_details(profiles)}),
        "errors": found.errors,
        "intervals": found.intervals(level),
        "level": level,
        "also": {
            formula: {"value": e.value, "error": e.error, "interval": (e.low, e.high)}
            for formula, e in estimates.items()
        },
        "converged": found.converged,
        "reason": found.reason,
        "iterations": found.iterations,
        "undetermined": found.undetermined,
        "at_bounds": found.at_bounds,
        "names": found.names,
        "covariance": found.covariance.tolist(),
        "rows": found.residuals.size,
        "chi_square": found.chi_square,
        "degrees_of_freedom": found.degrees_of_freedom,
        "noise": found.noise,
        "r_squared": found.r_squared,
        "aic": found.aic,
        "bic": found.bic,
    }


def _profile_details(profiles: dict[str, Profile]) -> dict[str, Any]:
    return {
        name: {"interval": (own.low, own.high), "reasons": own.reasons}
        for name, own in profiles.items()
    }
