"""Joining Programs: stages one after another, and one Program many times.

Stages share the caller's buffers by name, so a training step (gradients, then clipping and update
over flat vectors) is one Program with one memory plan; many steps are one `iterate`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from flux.dump import dump
from flux.errors import ProgramError
from flux.lower.fuse import fuse
from flux.lower.gather import gather
from flux.lower.memory import ALIGNMENT, plan
from flux.lower.recompute import recompute
from flux.program.listing import listing
from flux.program.types import (
    Buffer,
    DType,
    Function,
    Instruction,
    Port,
    Program,
    Role,
    View,
    contiguous,
)
from flux.program.verify import called_ports, verify
from flux.settings import current

_CALLER = (Role.INPUT, Role.OUTPUT, Role.STATE)


def link(stages: Sequence[Program], keep: Collection[str] = (), name: str = "step") -> Program:
    """One Program that runs stages in order over shared buffers.

    Args:
        stages: Programs of one function each, without calls. What one gives and a later one takes
            under the same buffer name stays inside, as a temporary.
        keep: names of such buffers that are outputs all the same.
        name: of the function.

    Raises:
        ProgramError: one buffer name has two sizes or types, or stands twice in one stage.
    """
    joined = _Joined(keep)
    for stage in stages:
        joined.add(stage.entry)
    sizes = dict(pair for stage in stages for pair in stage.sizes)
    function = plan(gather(recompute(joined.function(name))))
    program = fuse(Program((function,), tuple(sorted(sizes.items()))))
    if current().verify:
        verify(program)
    dump("program", lambda: listing(program))
    return program


class _Joined:
    """The buffers, ports and instructions of stages added one after another."""

    def __init__(self, keep: Collection[str]) -> None:
        self._keep = keep
        self._buffers: list[Buffer] = []
        self._numbers: dict[str, int] = {}
        self._inputs: dict[str, Port] = {}
        self._outputs: dict[str, Port] = {}
        self._head: list[Instruction] = []
        self._body: list[Instruction] = []

    def add(self, stage: Function) -> None:
        _check_names(stage)
        number = {n: self._number(b) for n, b in enumerate(stage.buffers)}
        for port in stage.inputs:
            if self._buffers[number[port.view.buffer]].role in (Role.INPUT, Role.STATE):
                self._inputs.setdefault(port.name, replace(port, view=_moved(port.view, number)))
        for port in stage.outputs:
            self._outputs[port.name] = replace(port, view=_moved(port.view, number))
        for n, instruction in enumerate(stage.instructions):
            target = self._head if n < stage.invariant else self._body
            target.append(
                replace(
                    instruction,
                    results=tuple(_moved(v, number) for v in instruction.results),
                    operands=tuple(_moved(v, number) for v in instruction.operands),
                )
            )

    def _number(self, buffer: Buffer) -> int:
        if buffer.role not in _CALLER:
            self._buffers.append(buffer)
            return len(self._buffers) - 1
        known = self._numbers.get(buffer.name)
        if known is None:
            self._numbers[buffer.name] = len(self._buffers)
            self._buffers.append(buffer)
            return len(self._buffers) - 1
        self._merge(known, buffer)
        return known

    def _merge(self, number: int, buffer: Buffer) -> None:
        known = self._buffers[number]
        if (known.size, known.dtype, known.rows) != (buffer.size, buffer.dtype, buffer.rows):
            raise ProgramError(f"two stages disagree about buffer {buffer.name}")
        role = known.role
        if role is Role.INPUT and buffer.role is not Role.INPUT:
            role = Role.STATE
        if role is Role.OUTPUT and buffer.role is Role.INPUT and buffer.name not in self._keep:
            role = Role.TEMPORARY
        self._buffers[number] = replace(known, role=role)

    def function(self, name: str) -> Function:
        outputs = [p for p in self._outputs.values() if self._visible(p)]
        return Function(
            name,
            tuple(self._buffers),
            tuple(self._inputs.values()),
            tuple(outputs),
            (*self._head, *self._body),
            invariant=len(self._head),
        )

    def _visible(self, port: Port) -> bool:
        return self._buffers[port.view.buffer].role in (Role.OUTPUT, Role.STATE)


def _check_names(stage: Function) -> None:
    names = [b.name for b in stage.buffers if b.role in _CALLER]
    for name in names:
        if names.count(name) > 1:
            raise ProgramError(f"a stage has two buffers named {name}")


def _moved(view: View, number: dict[int, int]) -> View:
    return replace(view, buffer=number[view.buffer])


def repeat(program: Program, count: int, stacked: Collection[str]) -> Program:
    """A Program that runs another `count` times in one call.

    Args:
        program: its entry has no rows.
        count: how many times.
        stacked: names of inputs and outputs that have one value for each time; the other inputs
            are the same every time, and state goes from one time to the next.
    """
    callee = program.entry
    buffers, views = _outer_buffers(callee, count, stacked)
    scratch = len(buffers)
    words = max(1, -(-callee.arena_bytes // 8))  # a buffer holds at least one element
    buffers.append(Buffer("arena", DType.INT64, words, Role.TEMPORARY, shape=(words,)))
    sources, targets = called_ports(callee)
    arena = View(scratch, 0, (words,), (1,))
    instruction = Instruction(
        "iterate",
        (arena, *(views[n] for n in targets)),
        tuple(views[n] for n in sources),
        (len(program.functions) - 1, count),
    )
    function = Function(
        f"{count} x {callee.name}",
        tuple(buffers),
        tuple(_outer_port(p, callee, views, count, stacked) for p in callee.inputs),
        tuple(_outer_port(p, callee, views, count, stacked) for p in callee.outputs),
        (instruction,),
        arena_bytes=-(-words * 8 // ALIGNMENT) * ALIGNMENT,
    )
    repeated = Program((*program.functions, function), program.sizes)
    if current().verify:
        verify(repeated)
    return repeated


def _outer_buffers(
    callee: Function, count: int, stacked: Collection[str]
) -> tuple[list[Buffer], dict[int, View]]:
    buffers: list[Buffer] = []
    views: dict[int, View] = {}
    for number, buffer in enumerate(callee.buffers):
        if buffer.role not in _CALLER:
            continue
        many = buffer.name in stacked
        shape = (count, buffer.size) if many else (buffer.size,)
        views[number] = View(len(buffers), 0, shape, contiguous(shape))
        size = buffer.size * count if many else buffer.size
        buffers.append(replace(buffer, size=size, shape=(size,), axes=()))
    return buffers, views


def _outer_port(
    port: Port, callee: Function, views: dict[int, View], count: int, stacked: Collection[str]
) -> Port:
    outer = views[port.view.buffer].buffer
    view = replace(port.view, buffer=outer)
    if callee.buffers[port.view.buffer].name in stacked:
        size = callee.buffers[port.view.buffer].size
        view = View(outer, view.offset, (count, *view.shape), (size, *view.strides))
        return Port(port.name, view, ("", *port.axes))
    return Port(port.name, view, port.axes)
