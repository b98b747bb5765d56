"""The virtual machine: interprets a Program one instruction at a time, one table row an opcode.

It is the backend to read: every row computes its result as a fresh array and stores it, so that
nothing depends on how results and operands share memory. The numpy backend is tested against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from flux import philox
from flux.backends.arrays import Array, arena_arrays, view_array
from flux.errors import DomainError
from flux.kernels import KERNELS
from flux.ops import Op
from flux.program.types import Function, Instruction, Program, Role
from flux.program.verify import called_ports

_OPERATIONS = {op.row.name: op for op in Op}
Rule = Callable[[Sequence[Any], tuple[Any, ...], Array], Any]


class VirtualMachine:
    """Runs a Program's entry on flat arrays of the caller's buffers.

    Args:
        program: a verified Program.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    def run(self, buffers: Mapping[int, Array], rows: int = 0) -> None:
        """Run once.

        Args:
            buffers: a flat array for each INPUT, OUTPUT and STATE buffer, by number.
            rows: rows of the block.
        """
        with np.errstate(all="ignore"):
            self._function(self._program.entry, buffers, rows)

    def _function(self, function: Function, given: Mapping[int, Array], rows: int) -> None:
        bases = arena_arrays(function, rows)
        for number, array in given.items():
            bases[number] = array
        for instruction in function.instructions:
            if instruction.opcode == "map":
                self._map(function, instruction, bases)
            elif instruction.opcode in ("call", "iterate"):
                self._call(function, instruction, bases)
            else:
                _step(function, instruction, bases, rows)

    def _map(self, function: Function, instruction: Instruction, bases: list[Any]) -> None:
        number, rows = instruction.attributes
        assert isinstance(number, int)
        assert isinstance(rows, int)
        callee = self._program.functions[number]
        sources, targets = called_ports(callee)
        views = [*instruction.operands, *instruction.results]
        given = {
            n: view_array(view, function.buffers[view.buffer], bases[view.buffer])
            for n, view in zip((*sources, *targets), views, strict=True)
        }
        self._function(callee, given, rows)

    def _call(self, function: Function, instruction: Instruction, bases: list[Any]) -> None:
        number, *rest = instruction.attributes
        assert isinstance(number, int)
        callee = self._program.functions[number]
        count = rest[0] if instruction.opcode == "iterate" else 1
        assert isinstance(count, int)
        sources, targets = called_ports(callee)
        pairs = [*zip(sources, instruction.operands, strict=True)]
        pairs += zip(targets, instruction.results[1:], strict=True)
        arguments = {
            n: view_array(view, function.buffers[view.buffer], bases[view.buffer])
            for n, view in pairs
        }
        for i in range(count):
            given = {n: a[i] if a.ndim == 2 else a for n, a in arguments.items()}
            self._function(callee, given, 0)


def _step(function: Function, instruction: Instruction, bases: list[Any], rows: int) -> None:
    views = [
        view_array(view, function.buffers[view.buffer], bases[view.buffer], rows)
        for view in (*instruction.results, *instruction.operands)
    ]
    result, operands = views[0], views[1:]
    computed = _rule(instruction.opcode)(operands, instruction.attributes, result)
    if instruction.opcode == "copy":
        computed = computed.astype(result.dtype)
    result[...] = computed


def _rule(opcode: str) -> Rule:
    rule = RULES.get(opcode)
    if rule is not None:
        return rule
    kernel = KERNELS[_OPERATIONS[opcode]]
    return lambda operands, _attributes, _result: kernel(*operands)


def _reduction(function: Callable[..., Any]) -> Rule:
    return lambda operands, attributes, _result: function(operands[0], axis=attributes[0])


def _argmax(operands: Sequence[Any], attributes: tuple[Any, ...], _result: Array) -> Any:
    (dimension,) = attributes[0]
    return np.argmax(operands[0], axis=dimension)


def _iota(_: Sequence[Any], attributes: tuple[Any, ...], result: Array) -> Any:
    shape = [1] * result.ndim
    shape[attributes[0]] = -1
    return np.arange(result.shape[attributes[0]]).reshape(shape)


def _random(operands: Sequence[Any], attributes: tuple[Any, ...], result: Array) -> Any:
    seed, step = (int(x) for x in operands)
    return philox.uniform(seed, attributes[0], step, result.size, dtype=result.dtype).reshape(
        result.shape
    )


def _contract(operands: Sequence[Any], attributes: tuple[Any, ...], _result: Array) -> Any:
    a, b = operands
    batch, m, n, k = attributes
    names = list(range(batch + m + n + k))
    heads, rows = names[:batch], names[batch : batch + m]
    columns, inner = names[batch + m : batch + m + n], names[batch + m + n :]
    return np.einsum(a, heads + rows + inner, b, heads + inner + columns, heads + rows + columns)


def _gather(operands: Sequence[Any], attributes: tuple[Any, ...], result: Array) -> Any:
    x, *indices = operands
    for (kind, number), size in zip(attributes[0], x.shape, strict=True):
        if kind == 1:
            check_index(indices[number], size)
    return x[_positions(attributes[0], indices, result.shape)]


def _scatter(operands: Sequence[Any], attributes: tuple[Any, ...], result: Array) -> Any:
    g, *indices = operands
    total = np.empty(result.shape, result.dtype)
    scatter(total, attributes[0], g, indices)
    return total


def scatter(
    total: Array, plan: Sequence[tuple[int, int]], g: Array, indices: Sequence[Array]
) -> None:
    """Zeros, then g added at its positions; what stands outside an axis is left out."""
    total.fill(0)
    positions = _positions(plan, indices, g.shape)
    sizes = {number: size for (kind, number), size in zip(plan, total.shape, strict=True) if kind}
    if all(within(indices[number], size) for number, size in sizes.items()):
        np.add.at(total, positions, g)
        return
    inside = np.ones(g.shape, bool)
    for number, size in sizes.items():
        inside &= (indices[number] >= 0) & (indices[number] < size)
    np.add.at(total, tuple(np.broadcast_to(p, g.shape)[inside] for p in positions), g[inside])


def _positions(
    plan: Sequence[tuple[int, int]],
    indices: Sequence[Array],
    walked: tuple[int, ...],
) -> tuple[Array, ...]:
    """One array of positions for each described dimension, over the shape that is walked."""
    positions: list[Array] = []
    for kind, number in plan:
        if kind == 1:
            positions.append(indices[number])
        else:
            shape = [1] * len(walked)
            shape[number] = walked[number]
            positions.append(np.arange(walked[number]).reshape(shape))
    return tuple(positions)


def check_index(index: Array, size: int) -> None:
    """Raise DomainError where a position is outside an axis of that size."""
    if within(index, size):
        return
    bad = (index < 0) | (index >= size)
    raise DomainError(
        f"index {int(index[bad][0])} is outside an axis of size {size}",
        hint=f"positions run from 0 to {size - 1}",
    )


def within(index: Array, size: int) -> bool:
    """Whether all positions are inside an axis of that size; nothing is allocated."""
    return bool(index.min() >= 0 and index.max() < size)


RULES: Mapping[str, Rule] = {
    "square": lambda operands, _attributes, _result: np.square(operands[0]),
    "reciprocal": lambda operands, _attributes, _result: np.reciprocal(operands[0]),
    "where": lambda operands, _attributes, _result: np.where(*operands),
    "copy": lambda operands, _attributes, _result: operands[0],
    "fill": lambda operands, _attributes, _result: operands[0],
    "iota": _iota,
    "random": _random,
    "sum": _reduction(np.sum),
    "prod": _reduction(np.prod),
    "max": _reduction(np.max),
    "min": _reduction(np.min),
    "argmax": _argmax,
    "contract": _contract,
    "gather": _gather,
    "scatter": _scatter,
}


def caller_roles() -> tuple[Role, ...]:
    """The roles of the buffers that a run is given."""
    return (Role.INPUT, Role.OUTPUT, Role.STATE)
