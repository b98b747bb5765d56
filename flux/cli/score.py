"""`flux score`: formulas over the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flux.cli.entry import Terminated
from flux.cli.output import json_option, show
from flux.cli.pace import Pace
from flux.cli.ranges import split
from flux.errors import ArgumentError
from flux.scoring import Report, Scorer, scorer
from flux.scoring.files import Progress, score_file


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula", metavar="FORMULA|FILE")
@click.argument("table", required=False)
@click.option("-o", "--out", metavar="OUT", default="-", help="CSV, TSV or Parquet, by its ending.")
@click.option("--only", multiple=True, metavar="NAME", help="A score to write; all by default.")
@click.option("--keep", default="all", metavar="NAMES", help="all, none, or columns: id,age.")
@click.option("--range", "ranges", multiple=True, metavar="NAME=LOW..HIGH", help="What is valid.")
@click.option("--units", multiple=True, metavar="NAME=UNIT", help="That a column is in.")
@click.option("--flag", default="", metavar="NAME", help="Add a column: is a value out of range?")
@click.option(
    "--missing",
    type=click.Choice(["nan", "raise"]),
    default="nan",
    show_default=True,
    help="A row that lacks a value has no score, or is an error.",
)
@click.option("--jobs", type=click.IntRange(1, 1024), default=1, help="Blocks at a time.")
@click.option("--resume", is_flag=True, help="Continue the run into OUT that was stopped.")
@click.option("--explain", is_flag=True, help="Say what is read and written, and end.")
@json_option
def command(
    formula: str,
    table: str | None,
    out: str,
    only: tuple[str, ...],
    keep: str,
    ranges: tuple[str, ...],
    units: tuple[str, ...],
    flag: str,
    missing: str,
    jobs: int,
    resume: bool,
    explain: bool,
    as_json: bool,
) -> None:
    """Compute FORMULA for every row of TABLE.

    FORMULA has a line for each score, name = formula; a file of such lines may hold definitions
    too, and the name of a published formula is one (see flux formulas). Names are columns of TABLE;
    others stand in backticks, and sex == "F" compares texts. TABLE is CSV, TSV (gzip too) or
    Parquet; - is text on standard input. It is read in blocks, so it may be larger than memory. OUT
    is written beside its name and renamed when it is whole; without it, CSV goes to standard
    output. What is missing or out of range is counted on standard error.

    \b
    flux score "bmi = weight/height^2" people.csv -o bmi.csv
    flux score risk.flux cohort.parquet -o risk.parquet --keep id --jobs 2
    flux score "high = ldl > 4.1" lipids.tsv.gz --range ldl=0.5..15 --flag check
    flux score 'adult = where(sex == "F", age >= 16, age >= 18)' people.csv --missing raise
    flux score egfr_ckd_epi_2021 --explain
    """
    made = _scorer(formula, only, keep, ranges, units, flag, missing)
    if explain:
        show(as_json, made.explain(), made.explain().split("\n"), columns=made.columns)
        return
    if table is None:
        raise click.UsageError("say which TABLE to score, or --explain")
    if as_json and out == "-":
        raise click.UsageError("--json needs an output file: -o OUT")
    pace = Pace()
    behind = resume

    def watch(now: Progress) -> None:
        nonlocal behind
        share = now.done / now.size if now.size else 0.0
        if behind:  # what an earlier run has done says nothing of the rate
            pace.begin("rows", now.rows, share)
            behind = False
        pace("rows", now.rows, share=share)

    try:
        report = score_file(made, table, out, jobs=jobs, resume=resume, watch=watch)
    except (KeyboardInterrupt, Terminated):
        if "-" not in (table, out):
            click.echo("stopped: the same command with --resume goes on", err=True)
        raise
    finally:
        pace.end()
    _tell(report, as_json)


def _scorer(
    formula: str,
    only: tuple[str, ...],
    keep: str,
    ranges: tuple[str, ...],
    units: tuple[str, ...],
    flag: str,
    missing: str,
) -> Scorer:
    starts, ends = split(ranges)
    if starts:
        raise ArgumentError(f"`{next(iter(starts))}` has no range", hint="such as age=18..110")
    kept = {"all": None, "none": ()}
    return scorer(
        Path(formula) if _is_file(formula) else formula,
        names=only or None,
        missing=missing,
        keep=kept[keep] if keep in kept else tuple(name.strip() for name in keep.split(",")),
        ranges=ends or None,
        units=dict(map(_unit, units)) or None,
        flag=flag,
    )


def _unit(argument: str) -> tuple[str, str]:
    name, equals, unit = argument.partition("=")
    if not equals or not name.strip() or not unit.strip():
        raise click.UsageError(f"expected NAME=UNIT, such as creatinine=umol/L, not {argument!r}")
    return name.strip(), unit.strip()


def _is_file(formula: str) -> bool:
    """Whether the argument is a path: it ends with `.flux`, or there is such a file."""
    if formula.strip().endswith(".flux"):
        return True
    try:
        return "\n" not in formula and Path(formula).is_file()
    except (OSError, ValueError):
        return False


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        facts: dict[str, Any] = report.as_json()
        show(True, "", facts.pop("rows"), **facts)
    else:
        click.echo(str(report), err=True)
