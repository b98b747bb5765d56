"""Where the time of a Program goes: by instruction, by line of the text, by layer.

The numpy backend runs the Program with a clock that is stopped after every instruction. A function
over rows counts by its own instructions; what is left of the instruction that calls it is the cost
of calling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from flux.backends.clock import Clock
from flux.backends.runner import Runner
from flux.program import Instruction, Program
from flux.program.listing import Cost, cost
from flux.program.opcodes import OPCODES, Family
from flux.training.estimate import peak_flops

# What rows are gathered by: an instruction's frames, from the outermost in.
Frames = Callable[[Instruction, int], tuple[str, ...]]


@dataclass(frozen=True)
class Timed:
    """One instruction, or several together, in one run.

    Attributes:
        frames: what it is, from the outermost in.
        layers: that it belongs to, each once.
        seconds: that it took.
        bytes: read and written.
        flops: floating-point operations.
    """

    frames: tuple[str, ...]
    layers: tuple[str, ...]
    seconds: float
    bytes: int
    flops: int

    def plus(self, other: Timed) -> Timed:
        """Both together."""
        return Timed(
            self.frames,
            tuple(dict.fromkeys((*self.layers, *other.layers))),
            self.seconds + other.seconds,
            self.bytes + other.bytes,
            self.flops + other.flops,
        )


@dataclass(frozen=True)
class Profile:
    """The instructions of a Program with their times, and the machine's peak in FLOP/s."""

    instructions: tuple[tuple[Instruction, Timed], ...]
    peak: float

    def by(self, frames: Frames) -> list[Timed]:
        """The instructions gathered by their frames, the longest first."""
        found: dict[tuple[str, ...], Timed] = {}
        for number, (instruction, timed) in enumerate(self.instructions):
            key = frames(instruction, number)
            one = replace(timed, frames=key)
            found[key] = found[key].plus(one) if key in found else one
        return sorted(found.values(), key=lambda row: -row.seconds)

    def table(self, kind: str, most: int) -> str:
        """The rows that take longest, and the total."""
        rows = self.by(FRAMES[kind])
        total = rows[0]
        for row in rows[1:]:
            total = total.plus(row)
        shown = [self._line(row, total.seconds, _named(row, kind)) for row in rows[:most]]
        left = len(rows) - len(shown)
        shown += [f"... and {left} more"] if left else []
        head = f"{'us':>10}  {'share':>6}  {'kB':>10}  {'GFLOP/s':>8}  {'of peak':>7}  {kind}"
        return "\n".join([head, *shown, self._line(total, total.seconds, "total")])

    def _line(self, row: Timed, whole_s: float, name: str) -> str:
        rate = row.flops / row.seconds if row.seconds else 0.0
        return (
            f"{1e6 * row.seconds:>10,.1f}  {row.seconds / whole_s:>6.1%}"
            f"  {row.bytes / 1024:>10,.1f}  {rate / 1e9:>8,.2f}  {rate / self.peak:>7.1%}  {name}"
        )


_SHOWN = 3  # layers of a row


def _named(row: Timed, kind: str) -> str:
    """What a row is; a line with the layers that it works for, those of all blocks as one."""
    name = " ".join(row.frames)
    if kind != "line":
        return name
    layers = list(dict.fromkeys(_NUMBER.sub("*", layer) for layer in row.layers))
    more = [f"and {len(layers) - _SHOWN} more"] if len(layers) > _SHOWN else []
    return "  ".join([name, ", ".join([*layers[:_SHOWN], *more])]).rstrip()


_NUMBER = re.compile(r"\b\d+\b")


def profile(program: Program, runner: Callable[[Clock], Runner], runs: int) -> Profile:
    """Run a Program some times, and time its instructions.

    Args:
        program: that is run.
        runner: makes one with a clock, its inputs filled in.
        runs: whose median times are taken, after one that does not count.
    """
    clock = Clock()
    made = runner(clock)
    _once(clock, made)
    medians_ns = np.median([_once(clock, made) for _ in range(runs)], axis=0)
    costs = _costs(program)
    rows = []
    for (function, instruction), ns in zip(clock.instructions, medians_ns, strict=True):
        spent = costs[id(function), id(instruction)]
        layers = (instruction.layer,) if instruction.layer else ()
        rows.append((instruction, Timed((), layers, float(ns) * 1e-9, spent.bytes, spent.flops)))
    return Profile(tuple(rows), peak_flops(1))


def _once(clock: Clock, runner: Runner) -> list[int]:
    """The times of one run."""
    clock.reset()
    clock.start()
    runner.step()
    return clock.elapsed_ns


def _costs(program: Program) -> dict[tuple[int, int], Cost]:
    """What each instruction costs in one run; of a call, nothing: its callee's count."""
    times = _times(program)
    found: dict[tuple[int, int], Cost] = {}
    for function in program.functions:
        for i in function.instructions:
            called = OPCODES[i.opcode].family is Family.CALL
            spent = Cost() if called else cost(i, function, ()).times(times[id(function)])
            found[id(function), id(i)] = spent
    return found


def _times(program: Program) -> Mapping[int, int]:
    """How often each function runs in one run of the Program, rows counted one by one."""
    times = {id(function): 0 for function in program.functions}
    times[id(program.entry)] = 1
    for function in reversed(program.functions):  # a function calls earlier ones only
        for i in function.instructions:
            if OPCODES[i.opcode].family is Family.CALL:
                numbers = [value for value in i.attributes if isinstance(value, int)]
                count = numbers[1] if len(numbers) > 1 else 1
                times[id(program.functions[numbers[0]])] += times[id(function)] * count
    return times


def _instruction(i: Instruction, number: int) -> tuple[str, ...]:
    return (f"{number:>4}", i.opcode, i.layer, _place(i))


def _line(i: Instruction, _: int) -> tuple[str, ...]:
    return (_place(i),)


def _layer(i: Instruction, _: int) -> tuple[str, ...]:
    return (i.layer or "(no layer)",)


def _opcode(i: Instruction, _: int) -> tuple[str, ...]:
    return (i.opcode,)


def _place(i: Instruction) -> str:
    if not i.places:
        return "(no line)"
    return f"{i.places[0].source}:{i.places[0].line}"


def _nested(i: Instruction, _: int) -> tuple[str, ...]:
    layers = _LAYER.findall(i.layer) if i.layer else ["(no layer)"]
    return (*layers, _place(i), i.opcode)


_LAYER = re.compile(r"[^.]+(?:\.\d+)*")  # a block with its number: block.0, attention


FRAMES: Mapping[str, Frames] = {
    "line": _line,
    "layer": _layer,
    "opcode": _opcode,
    "instruction": _instruction,
}

# The flame graph: a box for each frame, as wide as its share of the time, below what it is part of.
_WIDTH, _HEIGHT = 1200, 18
_COLOURS = ("#f4a261", "#e9c46a", "#e76f51", "#f2b5a0", "#d9ae94")
_LETTER = 6.6  # the width of one, in the font below


def flame_graph(found: Profile, title: str) -> str:
    """A flame graph of layers, lines and opcodes, as SVG.

    A box tells its figures when it is pointed at.
    """
    rows = found.by(_nested)
    total = sum(row.seconds for row in rows) or 1.0
    boxes = list(_boxes(sorted(rows, key=lambda row: row.frames), total))
    depth = 1 + max(level for level, *_ in boxes)
    body = "\n".join(_box(*box, total_s=total) for box in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{(depth + 1) * _HEIGHT}"'
        f' font-family="monospace" font-size="11" stroke-width="0.5">\n'
        f'<text x="4" y="13">{escape(title)}: {1e6 * total:,.1f} us</text>\n{body}\n</svg>\n'
    )


def _boxes(rows: Sequence[Timed], total: float) -> list[tuple[int, float, float, str]]:
    """Level, left edge and width (as shares), and name of each box; equal neighbours are one."""
    found: list[tuple[int, float, float, str]] = []
    open_boxes: list[tuple[str, float]] = []
    left = 0.0
    for row in [*rows, Timed((), (), 0.0, 0, 0)]:
        shared = 0
        while shared < min(len(open_boxes), len(row.frames)):
            if open_boxes[shared][0] != row.frames[shared]:
                break
            shared += 1
        while len(open_boxes) > shared:
            name, start = open_boxes.pop()
            found.append((len(open_boxes), start, left - start, name))
        open_boxes += [(name, left) for name in row.frames[shared:]]
        left += row.seconds / total
    return found


def _box(level: int, left: float, width: float, name: str, *, total_s: float) -> str:
    x, w, y = left * _WIDTH, width * _WIDTH, (level + 1) * _HEIGHT
    shown = _fitting(name.rpartition("/")[2], int((w - 4) / _LETTER))
    colour = _COLOURS[sum(name.encode()) % len(_COLOURS)]
    return (
        f"<g><title>{escape(name)}: {1e6 * width * total_s:,.1f} us, {width:.1%}</title>"
        f'<rect x="{x:.2f}" y="{y}" width="{w:.2f}" height="{_HEIGHT - 1}" fill="{colour}"'
        f' stroke="white"/>'
        f'<text x="{x + 2:.2f}" y="{y + 13}">{escape(shown)}</text></g>'
    )


def _fitting(name: str, letters: int) -> str:
    """As much of a name as there is room for; nothing where it would say nothing."""
    if len(name) <= letters:
        return name
    return f"{name[: letters - 2]}.." if letters > _FEWEST else ""


_FEWEST = 4  # letters of a name that is cut
