"""Straight-line NumPy source of a function: lines, and the objects that they refer to.

The rules of `flux.backends.numpy_rules` write the lines, one rule an opcode. Every array is a view
made beforehand, and every result goes to its place through `out`, so a run allocates nothing.
Views of the caller's buffers that change from call to call are made at the head of the generated
function; all others are made once, with the arena.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from flux.backends.arrays import Array, numpy_type, view_array
from flux.backends.team import Team
from flux.backends.vm import check_index
from flux.program.types import ROWS, DType, Function, Role, View

# Makes an object from the buffers' arrays, the rows of a block, and the objects made before it.
Static = Callable[[list[Any], int, list[Any]], Any]


class Code:
    """Source lines of one function, and the static objects that they refer to.

    Args:
        function: a verified function without calls.
        dynamic: numbers of the buffers whose arrays are arguments of the generated function.
        team: threads for work that is cut into parts; None runs the parts one after another.
    """

    def __init__(
        self, function: Function, dynamic: Iterable[int], team: Team | None = None
    ) -> None:
        self.team = team
        self.function = function
        self.dynamic = sorted(dynamic)
        self.lines: list[str] = []
        self.head: list[str] = []
        self.statics: list[Static] = []
        self.names: dict[str, Any] = {"ndarray": np.ndarray, "check": check_index}
        self._views: dict[View, str] = {}
        self._checked: set[tuple[View, int]] = set()

    def static(self, make: Static) -> str:
        """A name for an object that is made once, with the arena."""
        self.statics.append(make)
        return f"v{len(self.statics) - 1}"

    def use(self, name: str, value: Any) -> str:
        """A name for a function that the source calls."""
        self.names[name] = value
        return name

    def constant_array(self, value: Array) -> str:
        """A name for an array that is known now."""
        return self.static(lambda _bases, _rows, _made: value)

    def scratch(self, shape: tuple[int, ...], kind: Any) -> str:
        """A name for zeroed memory that every instance has for itself."""
        return self.static(lambda _bases, _rows, _made: np.zeros(shape, kind))

    def view(self, view: View) -> str:
        """A name for the array of a view."""
        name = self._views.get(view)
        if name is None:
            name = self._views[view] = self._make_view(view)
        return name

    def _make_view(self, view: View) -> str:
        number = view.buffer
        buffer = self.function.buffers[number]
        if number not in self.dynamic:
            return self.static(
                lambda bases, rows, _made: view_array(view, buffer, bases[number], rows)
            )
        if view == View(number, 0, (ROWS,), (1,)):
            return f"b{number}"
        name = f"d{len(self._views)}"
        kind = self.use(buffer.dtype.value, numpy_type(buffer))
        shape = ", ".join("rows" if s == ROWS else str(s) for s in view.shape)
        item = buffer.dtype.itemsize
        strides = ", ".join(str(s * item) for s in view.strides)
        shape, strides = (f"({t}{',' if t else ''})" for t in (shape, strides))
        self.head.append(
            f"{name} = ndarray({shape}, {kind}, b{number}, {view.offset * item}, {strides})"
        )
        return name

    def is_static(self, view: View) -> bool:
        """Whether the array of a view is made once."""
        return view.buffer not in self.dynamic

    def same_place(self, a: View, b: View) -> bool:
        """Whether two views are the same elements of memory."""
        if a == b:
            return True
        x, y = self.function.buffers[a.buffer], self.function.buffers[b.buffer]
        return (
            x.role is y.role is Role.TEMPORARY
            and (x.rows, x.offset, x.dtype) == (y.rows, y.offset, y.dtype)
            and (a.offset, a.shape, a.strides) == (b.offset, b.shape, b.strides)
        )

    def dtype(self, view: View) -> DType:
        """The type of a view's elements."""
        return self.function.buffers[view.buffer].dtype

    def check_once(self, view: View, size: int) -> None:
        """A line that checks an index against an axis, unless an earlier line did.

        An integer input keeps its values; other indices are checked wherever they are used.
        """
        role = self.function.buffers[view.buffer].role
        if role is Role.INPUT and (view, size) in self._checked:
            return
        self._checked.add((view, size))
        self.lines.append(f"check({self.view(view)}, {size})")

    def source(self) -> str:
        """The factory's source: it unpacks the statics and returns the function."""
        count = len(self.statics)
        unpack = ", ".join(f"v{n}" for n in range(count))
        arguments = ", ".join([f"b{n}" for n in self.dynamic] + ["rows=0"])
        body = [*self.head, *self.lines] or ["pass"]
        lines = ["def factory(statics):"]
        if count:
            lines.append(f"    ({unpack},) = statics")
        lines.append(f"    def run({arguments}):")
        lines.extend(f"        {line}" for line in body)
        lines.append("    return run")
        return "\n".join(lines)


def make_statics(code: Code, bases: list[Any], rows: int) -> tuple[Any, ...]:
    """The static objects of an instance, over the arrays of its buffers."""
    made: list[Any] = []
    for make in code.statics:
        made.append(make(bases, rows, made))
    return tuple(made)
