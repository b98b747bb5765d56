"""The numpy backend: a Program as straight-line NumPy over one arena.

`Compiled` holds the generated source of a Program; an `Instance` is one arena with its views, used
by one thread at a time. Rows run in blocks, so an arena never depends on how many there are, and
blocks may run on several threads: bits do not depend on their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np

from flux.backends.arrays import Array, aligned_bytes, arena_arrays, numpy_type, view_array
from flux.backends.clock import Clock
from flux.backends.generated import define
from flux.backends.numpy_code import Code, make_statics
from flux.backends.numpy_rules import add
from flux.backends.team import Team
from flux.program.types import ROWS, Function, Instruction, Program, Role, View
from flux.program.verify import called_ports

Run = Callable[..., None]
_CALLER = (Role.INPUT, Role.OUTPUT, Role.STATE)
_SHARED_WORK = 1 << 24  # elements computed; less is done before another thread has woken up
# Of a block's memory. Threads hand Python's lock to one another at each call of NumPy: in blocks of
# 8,192 rows two of them are slower than one. Blocks eight times as long still stay in cache.
_CACHE_BYTES = 1 << 23


class Compiled:
    """A Program's generated code, shared by all instances.

    Args:
        program: a verified Program.
        static: numbers of the caller's buffers whose arrays are given once, with the instance.
        threads: that a run may use.
        clock: which times each instruction, on one thread; None for none.
    """

    def __init__(
        self,
        program: Program,
        static: frozenset[int] = frozenset(),
        threads: int = 1,
        clock: Clock | None = None,
    ) -> None:
        self.program = program
        self._static = static
        entry = program.entry
        self.dynamic = [
            n for n, b in enumerate(entry.buffers) if b.role in _CALLER and n not in static
        ]
        self._parts = _Parts(program, entry, self.dynamic, team(threads), clock)

    def instance(self, rows: int = 0, bound: Mapping[int, Array] | None = None) -> Run:
        """An arena with its views: a function of the dynamic buffers' flat arrays, in order.

        Args:
            rows: rows of a block.
            bound: the flat arrays of the static buffers, by number.
        """
        entry = self.program.entry
        bases = arena_arrays(entry, rows)
        for number in self._static:
            bases[number] = (bound or {})[number]
        return self._parts.instance(bases, rows)


class _Parts:
    """The generated functions of one function of a Program: its invariant head, and the rest."""

    def __init__(
        self,
        program: Program,
        function: Function,
        dynamic: list[int],
        team: Team | None,
        clock: Clock | None,
    ) -> None:
        self._function = function
        self._team = team
        self._clock = clock
        count = function.invariant
        self._head = self._generate(program, function.instructions[:count], [])
        self._body = self._generate(program, function.instructions[count:], dynamic)

    def _generate(
        self, program: Program, instructions: tuple[Instruction, ...], dynamic: list[int]
    ) -> tuple[Code, Callable[..., Any]]:
        code = Code(self._function, dynamic, self._team)
        for instruction in instructions:
            if instruction.opcode == "map":
                _Map(program, self._function, instruction, code, self._clock).emit()
            elif instruction.opcode in ("call", "iterate"):
                _Call(program, self._function, instruction, code, self._clock).emit()
            else:
                add(code, instruction)
            self._time(code, instruction)
        return code, define(code.source(), "factory", code.names)

    def _time(self, code: Code, instruction: Instruction) -> None:
        if self._clock is not None:
            stop = code.use("stop", self._clock.stop)
            code.lines.append(f"{stop}({self._clock.number(self._function, instruction)})")

    def instance(self, bases: list[Any], rows: int) -> Run:
        for part in (self._head, self._body):
            code, factory = part
            run: Run = factory(make_statics(code, bases, rows))
            if part is self._head:
                with np.errstate(all="ignore"):
                    run()
        return run


class _Call:
    """A call or iteration: the callee gets an instance of its own inside the caller's."""

    def __init__(
        self,
        program: Program,
        caller: Function,
        instruction: Instruction,
        code: Code,
        clock: Clock | None,
    ) -> None:
        number = instruction.attributes[0]
        assert isinstance(number, int)
        self._callee = program.functions[number]
        self._caller = caller
        self._instruction = instruction
        self._code = code
        self._parts = _Parts(program, self._callee, [], code.team, clock)

    def emit(self) -> None:
        """Append the line that runs the callee."""
        code, instruction = self._code, self._instruction
        sources, targets = called_ports(self._callee)
        pairs = list(zip(sources, instruction.operands, strict=True))
        pairs += zip(targets, instruction.results[1:], strict=True)
        given = {n: view for n, view in pairs if not self._bound(view)}
        name = code.static(lambda bases, _rows, _made: self._runner(dict(pairs), bases))
        arguments = ", ".join(code.view(view) for view in given.values())
        code.lines.append(f"{name}({arguments})")

    def _bound(self, view: View) -> bool:
        return len(view.shape) == 1 and self._code.is_static(view)

    def _runner(self, pairs: Mapping[int, View], bases: list[Any]) -> Run:
        """A function of the arguments that are not bound: it copies them in and out."""
        count = 1
        if self._instruction.opcode == "iterate":
            times = self._instruction.attributes[1]
            assert isinstance(times, int)
            count = times
        scratch = self._instruction.results[0]
        memory = bases[scratch.buffer][scratch.offset :].view(np.uint8)
        inner = arena_arrays(self._callee, 0, memory)
        moved: list[tuple[int, Array]] = []
        for number, view in pairs.items():
            buffer = self._callee.buffers[number]
            if self._bound(view):
                base = bases[view.buffer]
                inner[number] = view_array(view, self._caller.buffers[view.buffer], base)
            else:
                inner[number] = np.zeros(buffer.size, numpy_type(buffer))
                moved.append((number, inner[number]))
        run = self._parts.instance(inner, 0)
        return self._loop(run, moved, count)

    def _loop(self, run: Run, moved: list[tuple[int, Array]], count: int) -> Run:
        roles = [self._callee.buffers[n].role for n, _ in moved]
        reads = [role is not Role.OUTPUT for role in roles]
        writes = [role is not Role.INPUT for role in roles]
        inner = [array for _, array in moved]

        def loop(*outer: Array) -> None:
            for i in range(count):
                for array, own, read in zip(outer, inner, reads, strict=True):
                    if read:
                        np.copyto(own, array[i] if array.ndim == 2 else array)
                run()
                for array, own, write in zip(outer, inner, writes, strict=True):
                    if write:
                        np.copyto(array[i] if array.ndim == 2 else array, own)

        return loop


class _Map:
    """A function over rows, block by block; the arrays of every block are made with the arena."""

    def __init__(
        self,
        program: Program,
        caller: Function,
        instruction: Instruction,
        code: Code,
        clock: Clock | None,
    ) -> None:
        number, rows = instruction.attributes
        assert isinstance(number, int)
        assert isinstance(rows, int)
        self._callee = program.functions[number]
        self._rows = rows
        self._block = block_rows(self._callee, rows)
        self._code = code
        self._parts = _Parts(program, self._callee, [], None, clock)
        sources, targets = called_ports(self._callee)
        views = [*instruction.operands, *instruction.results]
        self._views = dict(zip((*sources, *targets), views, strict=True))
        assert all(code.is_static(view) for view in views), "map runs on bound buffers"

    def emit(self) -> None:
        """Append the line that runs all blocks."""
        name = self._code.static(lambda bases, _rows, _made: self._runner(bases))
        self._code.lines.append(f"{name}()")

    def _runner(self, bases: list[Any]) -> Run:
        starts = range(0, self._rows, self._block)
        team = self._code.team if self._work() >= _SHARED_WORK else None
        shares = min(team.threads if team else 1, len(starts))
        tasks = [self._share(bases, starts[n::shares]) for n in range(shares)]
        if team is None or len(tasks) == 1:
            return tasks[0]
        return lambda: team.run(tasks)

    def _work(self) -> int:
        """The elements that all rows compute."""
        results = (view for i in self._callee.instructions for view in i.results)
        by_row = sum(prod(view.shape[1:]) for view in results if view.shape[:1] == (ROWS,))
        return self._rows * by_row

    def _share(self, bases: list[Any], starts: range) -> Run:
        """The blocks of one thread, over an arena of its own."""
        arena = aligned_bytes(self._callee.arena_bytes)
        by_row = aligned_bytes(self._callee.row_bytes * self._block)
        blocks = []
        for start in starts:
            count = min(self._block, self._rows - start)
            inner = arena_arrays(self._callee, count, arena, by_row)
            for number, view in self._views.items():
                inner[number] = self._slice(bases, number, view, start, count)
            blocks.append(self._parts.instance(inner, count))
        if len(blocks) == 1:
            return blocks[0]

        def run() -> None:
            for block in blocks:
                block()

        return run

    def _slice(self, bases: list[Any], number: int, view: View, start: int, count: int) -> Array:
        buffer = self._callee.buffers[number]
        window: Array = bases[view.buffer][view.offset : view.offset + view.shape[0]]
        return (
            window[start * buffer.size : (start + count) * buffer.size] if buffer.rows else window
        )


class Pool:
    """Instances that threads check out: as many as ever run at once.

    Args:
        compiled: the code.
        bound: the flat arrays of the static buffers, by number.
    """

    def __init__(self, compiled: Compiled, bound: Mapping[int, Array] | None = None) -> None:
        self._compiled = compiled
        self._bound = bound
        self._free: deque[tuple[int, Run]] = deque(maxlen=16)

    def run(self, rows: int, *arrays: Array) -> None:
        """Run one block on a free instance for that many rows."""
        try:
            known, instance = self._free.pop()
        except IndexError:
            known, instance = -1, None
        if instance is None or known != rows:
            instance = self._compiled.instance(rows, self._bound)
        instance(*arrays, rows)
        self._free.append((rows, instance))


@cache
def team(threads: int) -> Team | None:
    """The process's team of that many threads; None for one."""
    return Team(threads) if threads > 1 else None


def block_rows(function: Function, most: int) -> int:
    """Rows of a block: at most `most`, and few enough that a block's memory stays in cache."""
    row_bytes = function.row_bytes + sum(b.bytes for b in function.buffers if b.rows)
    return max(1, min(most, _CACHE_BYTES // max(row_bytes, 1)))
