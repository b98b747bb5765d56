"""`flux plot`: a formula over a range, with its derivative and its roots."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import numpy as np

import flux
from flux.cli.numbers import show_number
from flux.cli.ranges import split
from flux.drawing import FORMATS, Curve, Figure, Marks, draw, save
from flux.errors import ArgumentError, DomainError, UnknownNameError, did_you_mean

_POINTS = 1201
_WIDEST, _SIDE = 100, 12  # characters of a drawing, and those kept for its numbers
_LABEL = 60


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("formula")
@click.argument("values", nargs=-1, metavar="NAME=LOW..HIGH [NAME=VALUE]...")
@click.option("--derivative", "-d", is_flag=True, help="Draw the derivative too.")
@click.option("--roots", "-r", is_flag=True, help="Mark the roots, and print them.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="PNG, SVG or PDF.")
@click.option("--width", type=click.IntRange(20, 500), help="Of a drawing in the terminal.")
@click.option("--height", type=click.IntRange(5, 200), default=20, show_default=True)
def command(
    formula: str,
    values: tuple[str, ...],
    derivative: bool,
    roots: bool,
    out: Path | None,
    width: int | None,
    height: int,
) -> None:
    """Draw FORMULA over the range of one name.

    Without a file it is drawn in the terminal, with plain characters. A picture needs matplotlib:
    pip install "fluxparser[plot]". A pole is left open, and cut off where it would flatten the
    rest.

    \b
    flux plot "sin(x)/x" x=-20..20
    flux plot "x^3 - 2*x - 5" x=-3..3 --derivative --roots
    flux plot "vmax*s/(km + s)" s=0..10 vmax=2 km=0.7 --out rate.png
    flux plot "tan(x)" x=-5..5 --out tangent.svg
    """
    given, ranges = split(values)
    if len(ranges) != 1:
        raise click.UsageError("one name has a range, such as x=-5..5")
    if out is not None and out.suffix.lower() not in FORMATS:
        raise click.UsageError(f"--out ends in one of {', '.join(FORMATS)}")
    ((name, (low, high)),) = ranges.items()
    figure = _figure(formula, name, (low, high), given, derivative, roots)
    if out is not None:
        save(figure, out)
    else:
        wide = width or min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
        click.echo(draw(figure, max(wide - _SIDE, 1), height))
    for marks in figure.marks:
        shown = ", ".join(show_number(x) for x in marks.x) or "none"
        click.echo(f"{marks.label}: {shown}")


def _figure(
    formula: str,
    name: str,
    ends: tuple[float, float],
    given: dict[str, float],
    derivative: bool,
    roots: bool,
) -> Figure:
    low, high = ends
    if not (np.isfinite(low) and np.isfinite(high) and low < high and np.isfinite(high - low)):
        raise ArgumentError(
            f"the range {low}..{high} of `{name}` is empty or endless",
            hint=f"give finite ends, the lower one first, as in {name}=0..10",
        )
    e = flux.parse(formula, given=[name, *given])
    curves = {_short(formula): e} | ({f"d/d{name}": e.diff(name)} if derivative else {})
    x = np.linspace(low, high, _POINTS)
    compiled = flux.compile(curves, dtype="float64")
    for needed in compiled.inputs:
        if needed not in (name, *given):
            hint = did_you_mean(needed, list(given)) or f"give it, as in {needed}=1"
            raise UnknownNameError(f"no value for `{needed}`", hint=hint)
    found = compiled({**given, name: x})
    if not any(np.isfinite(y).any() for y in found.values()):
        raise DomainError(f"there is no finite value of it for `{name}` in {low:g}..{high:g}")
    lines = tuple(Curve(label, x, np.broadcast_to(y, x.shape)) for label, y in found.items())
    marks: tuple[Marks, ...] = ()
    if roots:
        at = np.asarray(flux.all_roots(e, {**given, name: (low, high)}, unknown=name))
        marks = (Marks("roots", at, np.zeros_like(at)),)
    return Figure(_short(formula), name, lines, marks)


def _short(text: str) -> str:
    """A formula as a label: its last line, cut off where it is long."""
    line = text.strip().splitlines()[-1].strip()
    return line if len(line) <= _LABEL else line[: _LABEL - 3] + "..."
