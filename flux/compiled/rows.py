"""A Program over a row space: blocks of rows, on one thread or several.

Blocks have one size, whatever the number of threads, so bits do not depend on it. An input that
lies in memory as the rows do is used where it lies; any other is brought over block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.backends.arrays import check_memory, numpy_type
from flux.backends.numpy_backend import Compiled, Pool, block_rows
from flux.backends.vm import VirtualMachine
from flux.program.types import Buffer, Program, Role
from flux.settings import current

Array = NDArray[Any]
Convert = Callable[[Array], Array]


@dataclass(frozen=True)
class Column:
    """One argument of a call.

    Args:
        array: its anonymous dimensions first, then the named ones.
        convert: to the buffer's type; it raises where that is not exact.
    """

    array: Array
    convert: Convert


class RowProgram:
    """A Program that runs over any number of rows, or once where it has none.

    Args:
        program: a verified Program whose caller's buffers are its inputs and outputs.
        backend: "numpy" or "vm".

    Attributes:
        has_rows: whether any input has rows.
    """

    def __init__(self, program: Program, backend: str) -> None:
        self.program = program
        entry = program.entry
        for function in program.functions:
            check_memory(function)
        self._buffers = [
            (n, b) for n, b in enumerate(entry.buffers) if b.role in (Role.INPUT, Role.OUTPUT)
        ]
        self.has_rows = any(b.rows for b in entry.buffers)
        self._block = block_rows(entry, current().row_block)
        if backend == "vm":
            self._machine: VirtualMachine | None = VirtualMachine(program)
        else:
            self._machine = None
            compiled = Compiled(program)
            # Arenas of whole blocks, and those of the shorter ones that end a call.
            self._whole, self._rest = Pool(compiled), Pool(compiled)

    def run(
        self,
        columns: dict[str, Column],
        results: dict[str, Array],
        shape: tuple[int, ...],
        threads: int,
    ) -> None:
        """Fill the results.

        Args:
            columns: arguments by buffer name.
            results: contiguous arrays by buffer name.
            shape: of the anonymous dimensions.
            threads: that may be used.
        """
        count = 1
        for size in shape:
            count *= size
        sources = [self._source(buffer, columns, results, shape) for _, buffer in self._buffers]
        starts = range(0, count, self._block)
        if threads > 1 and len(starts) > 1:
            self._run_threads(sources, starts, count, threads)
        else:
            self._run_blocks(sources, starts, count)

    def bound(
        self, columns: dict[str, Column], shape: tuple[int, ...]
    ) -> Callable[[Mapping[str, Array]], None]:
        """A run over columns that stay where they are: of the results, flat, by buffer name."""
        inputs = {
            n: self._source(b, columns, {}, shape) for n, b in self._buffers if b.role is Role.INPUT
        }
        count = prod(shape)
        if self._machine is None and count <= self._block:
            return self._bound_block(inputs, count)
        starts = range(0, count, self._block)

        def run(results: Mapping[str, Array]) -> None:
            sources = [inputs.get(n) or _slices(results[b.name], b) for n, b in self._buffers]
            self._run_blocks(sources, starts, count)

        return run

    def _bound_block(
        self, inputs: Mapping[int, _Source], count: int
    ) -> Callable[[Mapping[str, Array]], None]:
        """Likewise, where all rows are one block."""
        pool = self._whole if count == self._block else self._rest
        # A source may convert what lies there, so that each run asks it.
        places = [(inputs.get(n), b.name) for n, b in self._buffers]

        def run(results: Mapping[str, Array]) -> None:
            arrays = [source(0, count) if source else results[name] for source, name in places]
            with np.errstate(all="ignore"):
                pool.run(count, *arrays)

        return run

    def _run_threads(
        self, sources: Sequence[_Source], starts: range, count: int, threads: int
    ) -> None:
        share = -(-len(starts) // threads)
        parts = [starts[n * share : (n + 1) * share] for n in range(threads)]
        with ThreadPoolExecutor(threads) as executor:
            tasks = [executor.submit(self._run_blocks, sources, p, count) for p in parts if p]
            for task in tasks:
                task.result()

    def _run_blocks(self, sources: Sequence[_Source], starts: range, count: int) -> None:
        with np.errstate(all="ignore"):
            for start in starts:
                stop = min(start + self._block, count)
                arrays = [source(start, stop) for source in sources]
                if self._machine is None:
                    pool = self._whole if stop - start == self._block else self._rest
                    pool.run(stop - start, *arrays)
                else:
                    numbers = [n for n, _ in self._buffers]
                    self._machine.run(dict(zip(numbers, arrays, strict=True)), stop - start)

    def _source(
        self,
        buffer: Buffer,
        columns: dict[str, Column],
        results: dict[str, Array],
        shape: tuple[int, ...],
    ) -> _Source:
        if buffer.role is Role.OUTPUT:
            return _slices(results[buffer.name].reshape(-1), buffer)
        column = columns[buffer.name]
        named = column.array.shape[column.array.ndim - len(buffer.shape) :]
        array = column.array
        if not buffer.rows:
            whole = np.ascontiguousarray(column.convert(array)).reshape(-1)
            return lambda _start, _stop: whole
        ready = (
            array.shape == shape + named
            and array.dtype == numpy_type(buffer)
            and array.flags.c_contiguous
        )
        if ready:
            return _slices(array.reshape(-1), buffer)
        wide, size = np.broadcast_to(array, shape + named), buffer.size
        if len(shape) == 1:
            return lambda a, b: column.convert(np.ascontiguousarray(wide[a:b]).reshape(-1))
        # `flat` walks any strides, zero ones too, and copies only the block that is asked for. Each
        # block has a walker of its own, since it keeps its place in the array.
        return lambda a, b: column.convert(wide.flat[a * size : b * size])


_Source = Callable[[int, int], Array]


def _slices(flat: Array, buffer: Buffer) -> _Source:
    size = buffer.size
    if not buffer.rows:
        return lambda _start, _stop: flat
    return lambda start, stop: flat[start * size : stop * size]
