"""Errors for names that nothing declares, with the nearest name that something does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flux.errors import UnknownNameError, did_you_mean
from flux.source import Span
from flux.syntax.definitions import Lookup
from flux.syntax.functions import FUNCTION_NAMES


def unknown_value(span: Span, name: str, known: Sequence[str], lookup: Lookup) -> UnknownNameError:
    """The error for a name that a definition does not know."""
    hint = did_you_mean(name, known)
    if not hint and (name in FUNCTION_NAMES or lookup.find(name) is not None):
        hint = f"`{name}` is a function: write `{name}(...)`"
    text = f"`{name}` is not known in this definition"
    return UnknownNameError(text, (span,), hint or "declare it in the header")


def unknown_function(
    span: Span, name: str, values: Iterable[str], lookup: Lookup
) -> UnknownNameError:
    """The error for a function that does not exist."""
    hint = did_you_mean(name, [*lookup.names(), *sorted(FUNCTION_NAMES)])
    if name in values:
        hint = f"`{name}` is a value; multiplication is written `*`"
    return UnknownNameError(f"`{name}` is not a known function", (span,), hint)
