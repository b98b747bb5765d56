"""A compiled function over arrays that stay where they are, for loops that change a few numbers.

What a call has to find out, types, shapes and where each argument lies, is found out once. The
caller writes new numbers into the arrays that it gave, and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled.rows import Column, RowProgram

Array = NDArray[Any]


class Bound:
    """One function and its arguments; `CompiledFunction.bound` makes it. For one thread.

    Args:
        program: specialised to the arguments.
        columns: the arguments by name.
        rows: how many.
    """

    def __init__(self, program: RowProgram, columns: dict[str, Column], rows: int) -> None:
        self._rows = rows
        self._has_rows = program.has_rows
        self._run = program.bound(columns, (rows,) if program.has_rows else ())

    def run(self, results: Mapping[str, Array]) -> None:
        """Fill contiguous arrays of float64, (rows,), with the outputs by name."""
        if not self._rows:
            return
        if self._has_rows:
            self._run({f"= {name}": array for name, array in results.items()})
            return
        single = {f"= {name}": np.empty(1, array.dtype) for name, array in results.items()}
        self._run(single)
        for name, array in results.items():
            array[...] = single[f"= {name}"]
