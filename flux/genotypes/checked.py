"""Arguments that a caller hands in: taken where they are what they should be, else refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from flux.errors import ArgumentError

Paths = str | Path


def a_path(name: str, value: Any) -> Path:
    """A path.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, str) or (isinstance(value, PathLike) and isinstance(fspath(value), str)):
        return Path(value)
    raise ArgumentError(f"{name} is {_kind(value)}, not a path")


def paths(name: str, value: Any) -> list[Path]:
    """A path, or several.

    Raises:
        ArgumentError: something else, or none at all.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return [a_path(name, value)]
    if not value:
        raise ArgumentError(f"{name} has no file")
    return [a_path(name, one) for one in value]


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of some texts.

    Raises:
        ArgumentError: it is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        shown = repr(value) if isinstance(value, str) else _kind(value)
        raise ArgumentError(f"{name} is {shown}", hint=f"one of {', '.join(choices)}")
    return value


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number within its bounds.

    Raises:
        ArgumentError: it is none, or out of them.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentError(f"{name} is {_kind(value)}, not a whole number")
    if value < least or (most is not None and value > most):
        upper = "or more" if most is None else f"to {most}"
        raise ArgumentError(f"{name} is {value}, not {least} {upper}")
    return value


def share(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        shown = value if isinstance(value, int | float) else _kind(value)
        raise ArgumentError(f"{name} is {shown}, not a number from 0 to 1")
    return float(value)


def names(name: str, value: Any) -> list[str] | None:
    """Texts, one or several, or None.

    Raises:
        ArgumentError: something else.
    """
    if value is None or isinstance(value, str):
        return None if value is None else [value]
    if not isinstance(value, Iterable):
        raise ArgumentError(f"{name} is {_kind(value)}, not texts")
    found = list(value)
    for one in found:
        if not isinstance(one, str):
            raise ArgumentError(f"{name} holds {_kind(one)}, not texts")
    return found


def a_file_or_names(name: str, value: Any) -> Path | list[str] | None:
    """A path, or texts, or None.

    Raises:
        ArgumentError: something else.
    """
    if isinstance(value, str | PathLike):
        return a_path(name, value)
    return names(name, value)


def a_file_or_mapping(name: str, value: Any) -> Path | Mapping[str, Any] | None:
    """A path, or a mapping by text, or None.

    Raises:
        ArgumentError: something else.
    """
    if value is None or isinstance(value, Mapping):
        if value and not all(isinstance(key, str) for key in value):
            raise ArgumentError(f"{name} has keys that are no texts")
        return value
    return a_path(name, value)


def ranges_of(value: Any) -> dict[str, tuple[float, float]] | None:
    """Ranges by name, or None.

    Raises:
        ArgumentError: a range is no pair of ascending numbers, or there is none.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value:
        raise ArgumentError("`ranges` has no range", hint='such as {"S1": (0, 0.001)}')
    return {str(name): _range(str(name), ends) for name, ends in value.items()}


def _range(name: str, ends: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise ArgumentError(f"the range {name} is no pair of numbers") from None
    if not low <= high:
        raise ArgumentError(f"the range {name} ends before it begins: {low:g} to {high:g}")
    return low, high


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
