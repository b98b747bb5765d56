"""A clock that generated code stops after every instruction, for profiles.

Reading it takes some tenths of a microsecond, which counts to the instruction before it.
"""

from __future__ import annotations

from time import perf_counter_ns

from flux.program.types import Function, Instruction


class Clock:
    """The time of each instruction, all its runs together.

    Attributes:
        instructions: those of the Program that have been compiled, with their functions.
        elapsed_ns: the time of each, in the same order.
    """

    def __init__(self) -> None:
        self.instructions: list[tuple[Function, Instruction]] = []
        self.elapsed_ns: list[int] = []
        self._last = 0

    def number(self, function: Function, instruction: Instruction) -> int:
        """The number of an instruction, from now on."""
        self.instructions.append((function, instruction))
        self.elapsed_ns.append(0)
        return len(self.elapsed_ns) - 1

    def start(self) -> None:
        """Begin a run: the time since the last instruction belongs to none."""
        self._last = perf_counter_ns()

    def stop(self, number: int) -> None:
        """Note that an instruction has ended."""
        now = perf_counter_ns()
        self.elapsed_ns[number] += now - self._last
        self._last = now

    def reset(self) -> None:
        """Forget the times, those of what is computed once and for all included."""
        self.elapsed_ns = [0] * len(self.elapsed_ns)
