"""Arguments of the form NAME=VALUE, where VALUE is a formula without names."""

from __future__ import annotations

from collections.abc import Sequence

import click

import flux


def assignments(arguments: Sequence[str]) -> dict[str, float]:
    """The value of each name.

    Raises:
        click.UsageError: an argument without `=`, or a name that is given twice.
        FluxError: a value that cannot be evaluated.
    """
    return {name: flux.evaluate(text) for name, text in texts(arguments).items()}


def texts(arguments: Sequence[str]) -> dict[str, str]:
    """The text of each value, not evaluated.

    Raises:
        click.UsageError: an argument without `=`, or a name that is given twice.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        name = name.strip()
        if not equals or not name:
            raise click.UsageError(f"expected NAME=VALUE, found {argument!r}")
        if name in found:
            raise click.UsageError(f"{name} is given twice")
        found[name] = text
    return found


def whole_numbers(arguments: Sequence[str], option: str) -> dict[str, int]:
    """Arguments NAME=VALUE of an option, whose values are whole numbers.

    Raises:
        click.UsageError: an argument of another form.
    """
    found: dict[str, int] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        if not name or not (text.isascii() and text.isdigit()) or len(text) > 12:
            raise click.UsageError(f"{option} expects NAME=WHOLE_NUMBER, found {argument!r}")
        found[name] = int(text)
    return found
