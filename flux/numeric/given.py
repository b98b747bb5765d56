"""What a caller gives by name: a mapping or table, keywords, and options that give way to names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flux.compiled.arguments import is_table
from flux.errors import ArgumentError, UnknownNameError, did_you_mean


def columns(table: Any, example: str) -> dict[str, Any]:
    """The values of a mapping or table by name; none where there is no table.

    Raises:
        ArgumentError: something else was given.
    """
    if table is None:
        return {}
    if not is_table(table):
        text = f"values come by name or as a mapping, not as {type(table).__name__}"
        raise ArgumentError(text, hint=f"such as {example}")
    names = list(table) if isinstance(table, Mapping) else list(table.columns)
    return {str(name): table[name] for name in names}


def divide(
    names: Sequence[str], options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options that are names of the formula, as values; and the options that are left."""
    taken = {k: v for k, v in options.items() if v is not defaults[k] and k in names}
    return taken, {k: defaults[k] if k in taken else v for k, v in options.items()}


def check_known(
    given: Mapping[str, Any],
    names: Sequence[str],
    options: Sequence[str],
    what: str = "the formula has",
) -> None:
    """Raise UnknownNameError where a keyword is no name of the formula."""
    for name in given:
        if name not in names:
            known = ", ".join(f"`{n}`" for n in names[:8]) or "no names"
            hint = did_you_mean(name, [*names, *options]) or f"known: {known}"
            raise UnknownNameError(f"{what} no `{name}`", hint=hint)


def check_complete(names: Sequence[str], values: Mapping[str, Any]) -> None:
    """Raise UnknownNameError where a name has no value."""
    for name in names:
        if name not in values:
            hint = did_you_mean(name, [v for v in values if v not in names])
            raise UnknownNameError(
                f"no value for `{name}`", hint=hint or f"give it, as in {name}=1.0"
            )
