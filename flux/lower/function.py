"""One function of a Program from expressions: translate, lay out, emit, plan memory.

Instructions that depend on no input stand at the head. Outputs are written where they are computed
where that is sound, and copied at the end otherwise; the same holds for state that is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flux.errors import ArgumentError, AxisError
from flux.expr import Expr, show_axes
from flux.lower.coefficients import collect_coefficients
from flux.lower.emit import Emitter
from flux.lower.ir import ROW_AXIS, Graph, Value, order
from flux.lower.layout import Layout
from flux.lower.memory import plan
from flux.lower.storage import Storage, Tensor
from flux.lower.translate import Mode, Translation
from flux.ops import Op
from flux.program.opcodes import OPCODES, Family
from flux.program.types import DType, Function, Port, Role
from flux.source import Span

_NOT_STORED = {"input", "constant", "rename", "select"}


@dataclass(frozen=True)
class Signature:
    """What a function takes and gives.

    Args:
        inputs: input expressions, in order.
        outputs: expressions by name, in order.
        orders: the axes of an output, in order, where first appearance is not what is wanted.
        rows: names of inputs with a row for each element of the row space.
        packs: names of tensors that lie one after another in one buffer, by the buffer's name.
        updates: for each output that overwrites an input, the input's name.
    """

    inputs: Sequence[Expr]
    outputs: Mapping[str, Expr]
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rows: frozenset[str] = frozenset()
    packs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    updates: Mapping[str, str] = field(default_factory=dict)


class FunctionLowering:
    """Lowers one signature; `run` gives the function."""

    def __init__(
        self,
        name: str,
        signature: Signature,
        sizes: Mapping[str, int],
        dtype: DType,
        origins: Mapping[Expr, Sequence[Span]],
        relaxed: bool,
    ) -> None:
        self._name = name
        self._signature = signature
        self._graph = Graph(sizes, dtype)
        self._relaxed = relaxed
        outputs = list(signature.outputs.values())
        self._translation = Translation(self._graph, outputs, signature.rows, origins, relaxed)
        self._storage = Storage(self._graph)

    def run(self) -> Function:
        """The function, with its memory planned."""
        signature = self._signature
        roots = [self._translation.value(e, self._mode(n)) for n, e in signature.outputs.items()]
        if self._relaxed:
            roots = collect_coefficients(self._graph, roots)
        results = dict(zip(signature.outputs, roots, strict=True))
        values = _scalars_first(_schedule(results.values()))
        self._inputs = self._input_ports(values)
        self._outputs = self._output_ports()
        targets = self._targets(results, values)
        layout = Layout(self._graph, values, self._fixed(values, targets))
        emitter = Emitter(self._graph, layout, self._storage, self._inputs, targets)
        head = _invariant(values, targets)
        for value in values:
            if value in head:
                emitter.emit(value)
        invariant = len(emitter.instructions)
        for value in values:
            if value not in head:
                emitter.emit(value)
        self._copies(emitter, results, targets)
        return plan(
            Function(
                self._name,
                tuple(self._storage.buffers),
                tuple(self._inputs.values()),
                tuple(self._outputs.values()),
                tuple(emitter.instructions),
                invariant=invariant,
            )
        )

    def _mode(self, name: str) -> Mode:
        """What overwrites an integer is computed as one."""
        old = self._signature.updates.get(name)
        whole = any(
            e.attributes.integer for e in self._signature.inputs if e.attributes.name == old
        )
        return Mode.INTEGER if whole else Mode.REAL

    # The signature's buffers.

    def _input_ports(self, values: Sequence[Value]) -> dict[str, Port]:
        integer = DType.INT64
        tensors = []
        for e in self._signature.inputs:
            assert e.op is Op.INPUT
            name, axes = e.attributes.name, e.attributes.axes
            rows = (ROW_AXIS,) if name in self._signature.rows else ()
            dtype = integer if e.attributes.integer else self._graph.dtype
            tensors.append(Tensor(name, dtype, (*rows, *axes)))
        _check_inputs(values, {t.name for t in tensors})
        updated = set(self._signature.updates.values())
        state = self._storage.tensors(
            [t for t in tensors if self._is_state(t.name, updated)],
            Role.STATE,
            self._signature.packs,
        )
        plain = self._storage.tensors(
            [t for t in tensors if not self._is_state(t.name, updated)],
            Role.INPUT,
            self._signature.packs,
        )
        return {t.name: (state.get(t.name) or plain[t.name]) for t in tensors}

    def _is_state(self, name: str, updated: set[str]) -> bool:
        pack = next((p for p in self._signature.packs.values() if name in p), (name,))
        return not updated.isdisjoint(pack)

    def _output_ports(self) -> dict[str, Port]:
        updates = self._signature.updates
        tensors = [
            Tensor(name, self._graph.dtype, self._output_axes(name, e))
            for name, e in self._signature.outputs.items()
            if name not in updates
        ]
        made = self._storage.tensors(tensors, Role.OUTPUT, self._signature.packs)
        ports: dict[str, Port] = {}
        for name in self._signature.outputs:
            if name in updates:
                state = self._inputs[updates[name]]
                self._check_update(name, state)
                ports[name] = Port(name, state.view, state.axes)
            else:
                ports[name] = made[name]
        return ports

    def _check_update(self, name: str, state: Port) -> None:
        axes = self._signature.outputs[name].axes
        if not axes <= set(state.axes):
            raise AxisError(
                f"output {name} has {show_axes(axes)}, and overwrites {state.name}"
                f" with {show_axes(state.axes)}"
            )

    def _output_axes(self, name: str, e: Expr) -> tuple[str, ...]:
        rows = (ROW_AXIS,) if self._signature.rows else ()
        given = self._signature.orders.get(name)
        if given is None:
            return (*rows, *first_appearance(e, self._signature.inputs))
        if not e.axes <= set(given):
            raise AxisError(f"output {name} has {show_axes(e.axes)}, not [{', '.join(given)}]")
        return (*rows, *given)

    # Where outputs are written.

    def _targets(self, results: Mapping[str, Value], values: Sequence[Value]) -> dict[Value, Port]:
        targets: dict[Value, Port] = {}
        for name, value in results.items():
            port = self._outputs[name]
            whole = len(value.axes) == len(self._kept(self._port_axes(port)))
            if value.opcode in _NOT_STORED or value in targets or not whole:
                continue
            old = self._signature.updates.get(name)
            if old is None or self._overwrites_last(old, value, values, results):
                targets[value] = port
        return targets

    def _overwrites_last(
        self,
        old: str,
        value: Value,
        values: Sequence[Value],
        results: Mapping[str, Value],
    ) -> bool:
        """Whether an input may be overwritten where the value is computed.

        It may where the value is pointwise, and nothing that is computed later reads the input.
        """
        if value.opcode not in OPCODES or OPCODES[value.opcode].family is not Family.POINTWISE:
            return False
        readers = {v for v in values if v.opcode == "input" and v.attributes[0] == old}
        position = {v: n for n, v in enumerate(values)}
        for v in values:
            reads = not readers.isdisjoint(v.args)
            if reads and (v.opcode in _NOT_STORED or position[v] > position[value]):
                return False
        return readers.isdisjoint(results.values())

    def _copies(
        self, emitter: Emitter, results: Mapping[str, Value], targets: Mapping[Value, Port]
    ) -> None:
        """Copy what is not yet in its place: to outputs first, then over state.

        What lies in state that another copy overwrites is saved before.
        """
        pairs = [(self._outputs[name], value) for name, value in results.items()]
        late = [pair for pair in pairs if not self._is_there(*pair, targets)]
        late.sort(key=lambda pair: self._role(pair[0]) is Role.STATE)
        overwritten = {port.view.buffer for port, _ in late if self._role(port) is Role.STATE}
        for port, value in late:
            if self._role(port) is Role.STATE and emitter.buffer(value) in overwritten:
                emitter.save(value)
        for port, value in late:
            emitter.copy_to(port, value, self._port_axes(port))

    def _is_there(self, port: Port, value: Value, targets: Mapping[Value, Port]) -> bool:
        own = value.opcode == "input" and self._inputs[value.attributes[0]].view == port.view
        return own or targets.get(value) is port

    def _role(self, port: Port) -> Role:
        return self._storage.buffers[port.view.buffer].role

    def _port_axes(self, port: Port) -> tuple[str, ...]:
        rows = self._storage.buffers[port.view.buffer].rows
        return (ROW_AXIS, *port.axes) if rows else port.axes

    def _fixed(
        self, values: Sequence[Value], targets: Mapping[Value, Port]
    ) -> dict[Value, tuple[str, ...]]:
        fixed = {v: self._kept(self._port_axes(port)) for v, port in targets.items()}
        for value in values:
            if value.opcode == "input":
                fixed[value] = self._kept(self._port_axes(self._inputs[value.attributes[0]]))
        return fixed

    def _kept(self, axes: Sequence[str]) -> tuple[str, ...]:
        sizes = self._graph.sizes
        return tuple(axis for axis in axes if axis == ROW_AXIS or sizes[axis] != 1)


def first_appearance(e: Expr, inputs: Sequence[Expr]) -> tuple[str, ...]:
    """The axes of a result: in the order in which the inputs declare them, then by name."""
    declared = dict.fromkeys(axis for i in inputs for axis in i.attributes.axes)
    known = [axis for axis in declared if axis in e.axes]
    return (*known, *sorted(e.axes.difference(known)))


def _check_inputs(values: Sequence[Value], known: set[str]) -> None:
    for value in values:
        if value.opcode == "input" and value.attributes[0] not in known:
            raise ArgumentError(f"input {value.attributes[0]} is not in the signature")


def _schedule(results: Iterable[Value]) -> list[Value]:
    """All values, the shallowest results first, so that what only they need is freed early."""
    roots = list(results)
    depth: dict[Value, int] = {}
    for value in order(roots):
        depth[value] = 1 + max((depth[arg] for arg in value.args), default=0)
    return order(sorted(roots, key=lambda v: depth[v]))


def _scalars_first(values: Sequence[Value]) -> list[Value]:
    """Scalars that need nothing larger come first, so that they do not interrupt larger work."""
    early: set[Value] = set()
    for value in values:
        if not value.axes and all(arg in early for arg in value.args):
            early.add(value)
    return sorted(values, key=lambda value: value not in early)


def _invariant(values: Sequence[Value], targets: Mapping[Value, Port]) -> set[Value]:
    """The values that depend on no input."""
    found: set[Value] = set()
    for value in values:
        free = value.opcode not in ("input", "constant") and value not in targets
        if free and all(arg in found or arg.constant is not None for arg in value.args):
            found.add(value)
    return found
