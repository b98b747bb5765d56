"""A Program as a graph with its layers folded: what goes from one part of a model to the next.

A node is a run of neighbouring instructions of one layer. An instruction belongs to the layer whose
parameter it reads; one that reads none, to the layer that first uses its result, and the last ones
to the layer before them. Values are computed before they are used, so no edge goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from flux.program.listing import Cost, cost, cost_of
from flux.program.types import Buffer, Function, Instruction, Program, Role, View


@dataclass
class Part:
    """A node.

    Attributes:
        name: the layer, an input or an output.
        kind: `layer`, `input` or `output`.
        instructions: how many.
        flops: of them together.
        lines: of the texts that they come from.
    """

    name: str
    kind: str
    instructions: int = 0
    flops: int = 0
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)

    def label(self) -> list[str]:
        """The lines of text in a node."""
        if self.kind != "layer":
            return [self.name]
        places = [
            f"{source.rpartition('/')[2]}:{first}" + (f"-{last}" if last > first else "")
            for source, (first, last) in self.lines.items()
        ]
        return [self.name, ", ".join(places), f"{self.instructions} instr., {self.flops:,} FLOPs"]


@dataclass(frozen=True)
class Folded:
    """A graph: parts, and for each pair (from, to) the axes of what goes from one to the other."""

    parts: tuple[Part, ...]
    edges: Mapping[tuple[int, int], tuple[str, ...]]


def fold(program: Program) -> Folded:
    """The graph of a Program's entry function."""
    function, totals = program.entry, _totals(program)
    parts: list[Part] = []
    edges: dict[tuple[int, int], dict[str, None]] = {}
    writer = _inputs(function, parts)
    current = -1
    for i, layer in zip(function.instructions, _layers(function), strict=True):
        if current < 0 or layer != parts[current].name:
            parts.append(Part(layer, "layer"))
            current = len(parts) - 1
        _count(parts[current], i, function, totals)
        for view in i.operands:
            source = writer.get(view.buffer, current)
            if source != current:
                axes = _axes(function.buffers[view.buffer])
                edges.setdefault((source, current), {})[axes] = None
        writer.update((view.buffer, current) for view in i.results)
    _outputs(function, parts, writer, edges)
    return Folded(tuple(parts), {pair: tuple(axes) for pair, axes in edges.items()})


def _layers(function: Function) -> list[str]:
    """The layer of each instruction; of the model itself, the function's name."""
    wanted: dict[int, str] = {}  # by buffer: the layer of what uses it first
    found: list[str | None] = []
    for i in reversed(function.instructions):
        own = next((_owner(view, function) for view in i.operands if _owner(view, function)), None)
        uses = (wanted[view.buffer] for view in i.results if view.buffer in wanted)
        layer = own or next(uses, None)
        found.append(layer)
        if layer is not None:
            wanted.update((view.buffer, layer) for view in i.operands)
    layers: list[str] = []
    for known in reversed(found):
        layers.append(known or (layers[-1] if layers else function.name))
    return layers


def _owner(view: View, function: Function) -> str | None:
    """The layer of the parameter that a view reads; None where it reads none."""
    for port in function.inputs:
        same = port.view.buffer == view.buffer and function.buffers[view.buffer].name != port.name
        if same and 0 <= view.offset - port.view.offset < max(1, prod(port.view.shape)):
            return port.name.rpartition(".")[0] or function.name
    return None


def _inputs(function: Function, parts: list[Part]) -> dict[int, int]:
    """A node for each input that is no parameter: those lie alone in their buffers."""
    writer = {}
    for port in function.inputs:
        buffer = function.buffers[port.view.buffer]
        if buffer.name == port.name:
            parts.append(Part(f"{port.name} [{', '.join(port.axes)}]", "input"))
            writer[port.view.buffer] = len(parts) - 1
    return writer


def _outputs(
    function: Function,
    parts: list[Part],
    writer: Mapping[int, int],
    edges: dict[tuple[int, int], dict[str, None]],
) -> None:
    for port in function.outputs:
        source = writer.get(port.view.buffer)
        if source is not None and function.buffers[port.view.buffer].role is Role.OUTPUT:
            parts.append(Part(port.name, "output"))
            edges[source, len(parts) - 1] = {_axes(function.buffers[port.view.buffer]): None}


def _totals(program: Program) -> list[Cost]:
    """What each function that may be called costs."""
    return [cost_of(Program(program.functions[: n + 1])) for n in range(len(program.functions))]


def _count(part: Part, i: Instruction, function: Function, totals: Sequence[Cost]) -> None:
    part.instructions += 1
    part.flops += cost(i, function, totals).flops
    for place in i.places[:1]:
        first, last = part.lines.get(place.source, (place.line, place.line))
        part.lines[place.source] = (min(first, place.line), max(last, place.line))


def _axes(buffer: Buffer) -> str:
    return f"[{', '.join(buffer.axes)}]"


# What is written.


def dot(graph: Folded) -> str:
    """The graph in Graphviz's language."""
    shapes = {"layer": "box", "input": "ellipse", "output": "ellipse"}
    lines = ["digraph model {", "  node [fontname=monospace]; edge [fontname=monospace];"]
    for number, part in enumerate(graph.parts):
        text = "\\n".join(map(_dot_text, part.label()))
        lines.append(f'  n{number} [shape={shapes[part.kind]}, label="{text}"];')
    for (source, target), axes in graph.edges.items():
        lines.append(f'  n{source} -> n{target} [label="{_dot_text(" ".join(axes))}"];')
    return "\n".join([*lines, "}"])


def mermaid(graph: Folded) -> str:
    """The graph in Mermaid's language."""
    return "\n".join(["flowchart TD", *_mermaid_lines(graph)])


def _mermaid_lines(graph: Folded) -> Iterator[str]:
    for number, part in enumerate(graph.parts):
        text = "<br/>".join(map(_mermaid_text, part.label()))
        left, right = ("[", "]") if part.kind == "layer" else ("([", "])")
        yield f'  n{number}{left}"{text}"{right}'
    for (source, target), axes in graph.edges.items():
        yield f'  n{source} -->|"{_mermaid_text(" ".join(axes))}"| n{target}'


def _dot_text(text: str) -> str:
    return "".join("\\" + c if c in '"\\' else c if c.isprintable() else "?" for c in text)


def _mermaid_text(text: str) -> str:
    """Characters that mean something there, by their numbers."""
    return "".join(f"#{ord(c)};" if c in '"#&;<>`' or not c.isprintable() else c for c in text)


FORMATS: Mapping[str, Callable[[Folded], str]] = {"dot": dot, "mermaid": mermaid}
