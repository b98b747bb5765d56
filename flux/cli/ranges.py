"""Arguments of the form NAME=VALUE or NAME=LOW..HIGH, whose values are formulas without names."""

from __future__ import annotations

from collections.abc import Sequence

import click

from flux.cli.assignments import assignments


def split(arguments: Sequence[str]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The values, and the ends of ranges, by name.

    Raises:
        click.UsageError: an argument of another form, or a name that is given twice.
        FluxError: a value that cannot be evaluated.
    """
    plain = [argument for argument in arguments if ".." not in argument]
    found = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        low, dots, high = text.partition("..")
        if not dots:
            continue
        if not equals or not name.strip():
            raise click.UsageError(f"expected NAME=LOW..HIGH, found {argument!r}")
        if name.strip() in found:
            raise click.UsageError(f"{name.strip()} is given twice")
        first, second = (assignments([f"{name}={end}"])[name.strip()] for end in (low, high))
        found[name.strip()] = first, second
    return assignments(plain), found
