"""The arguments of a call: by position, by keyword, as a mapping or as a table.

Positional order is first appearance in the formula. A keyword that the formula does not use takes
part in the broadcast only, and a table's other columns are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flux.errors import ArgumentError, ShapeError, UnknownNameError, did_you_mean

Shape = tuple[int, ...]


def bind(names: Sequence[str], args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every name, and the keywords that no name takes.

    Raises:
        ArgumentError: too many arguments, or one given twice.
        UnknownNameError: a name has no value.
    """
    values: dict[str, Any] = {}
    if len(args) == 1 and is_table(args[0]):
        values.update(_columns(names, args[0], named))
    elif len(args) > len(names):
        raise ArgumentError(f"{len(args)} arguments for {_count(names)}")
    else:
        values.update(zip(names, args, strict=False))
    for name, value in named.items():
        if name in values:
            raise ArgumentError(f"`{name}` is given twice")
        values[name] = value
    _complete(names, values)
    return values


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} inputs ({', '.join(names[:8])})" if names else "a formula without inputs"


def is_table(value: Any) -> bool:
    """Whether an argument is a mapping or a table of columns, not an array or a number."""
    return isinstance(value, Mapping) or (
        not isinstance(value, np.ndarray) and hasattr(value, "columns")
    )


def _columns(names: Sequence[str], table: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    known = list(table) if isinstance(table, Mapping) else list(table.columns)
    found: dict[str, Any] = {}
    for name in names:
        if name in known:
            found[name] = table[name]
        elif name not in named:
            columns = [str(column) for column in known]
            raise UnknownNameError(
                f"no column `{name}`",
                hint=did_you_mean(name, columns) or f"the table has {', '.join(columns[:8])}",
            )
    return found


def _complete(names: Sequence[str], values: Mapping[str, Any]) -> None:
    extra = [name for name in values if name not in names]
    for name in names:
        if name not in values:
            raise UnknownNameError(f"no value for `{name}`", hint=did_you_mean(name, extra))


def broadcast(shapes: Mapping[str, Shape]) -> Shape:
    """The common shape of the anonymous dimensions.

    Raises:
        ShapeError: two of them do not fit.
    """
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        pass
    shown = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items() if shape)
    raise ShapeError(f"shapes do not broadcast: {shown}")
