"""The graph of a preset's model and the sizes of its axes, before anything is allocated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from flux.errors import ArgumentError, DataError, ShapeError, did_you_mean
from flux.expr import Expr, topological
from flux.ops import Op
from flux.syntax import Graph, load_text
from flux.syntax.definitions import Definition
from flux.training.library import library
from flux.training.presets import Preset

TOKENS = "tokens"
_LANGUAGE = (TOKENS, "targets")


def model_graph(preset: Preset, source: str = "") -> Graph:
    """The graph of a preset's model.

    Args:
        preset: which names it.
        source: the text of its file, where the model is one of the user's own.

    Raises:
        FluxError: no such model, mistakes in the text, or options that it does not have.
    """
    definition = _own(preset, source) if preset.own else _of_library(preset.model)
    known = {option.name for option in definition.options}
    options = {"layers": preset.layers} if "layers" in known else {}
    for name in preset.options:
        if name not in known:
            hint = (
                did_you_mean(name, sorted(known)) or f"it has {', '.join(sorted(known)) or 'none'}"
            )
            raise ArgumentError(f"{definition.name} has no option `{name}`", hint=hint)
    graph = definition.build(**{**options, **preset.options})
    _check_axes(graph, preset.sizes)
    return graph


def _check_axes(graph: Graph, sizes: Mapping[str, int]) -> None:
    """A size of an axis that no value has would do nothing, and is a mistake."""
    if not sizes:
        return
    graphs = (graph, graph.training or graph)
    nodes = topological(tuple(g.result for g in graphs))
    known = sorted({str(axis) for e in nodes for axis in e.axes} | _measured(nodes))
    for axis in sizes:
        if axis not in known:
            hint = did_you_mean(axis, known) or f"it has {', '.join(known)}"
            raise ArgumentError(f"{graph.name} has no axis `{axis}`", hint=hint)


def _measured(nodes: Iterable[Expr]) -> set[str]:
    """Axes of which only the size is asked for."""
    return {e.attributes for e in nodes if e.op is Op.SIZE}


def _own(preset: Preset, source: str) -> Definition:
    module = load_text(source, preset.model)
    if preset.definition:
        return module[preset.definition]
    if not module.models:
        raise DataError(f"{preset.model!r} defines no model", hint="model name(x[b, i], y[b]): ...")
    return list(module.models.values())[-1]


def _of_library(name: str) -> Definition:
    if not name.isidentifier():
        raise ArgumentError(
            f"{name!r} is no model of the library",
            hint="the name of a file with a model of your own ends in .flux",
        )
    found = library()[name]
    if found.kind != "model":
        raise ArgumentError(f"`{name}` is a {found.kind}, not a model")
    return found


def reads_tokens(graph: Graph) -> bool:
    """Whether a graph is a language model: from tokens[b, t] to targets[b, t]."""
    given = {e.attributes.name: e.attributes for e in graph.inputs}
    return all(name in given and len(given[name].axes) == 2 for name in _LANGUAGE)


def language_sizes(preset: Preset, vocabulary: int) -> dict[str, int]:
    """The sizes of a language model: n, d, h, k, f, v, and those that the preset adds.

    Raises:
        ArgumentError: the width is not a multiple of the number of heads.
    """
    if preset.width % preset.heads:
        raise ArgumentError(
            f"a width of {preset.width} cannot be shared by {preset.heads} heads",
            hint="the width must be a multiple of the number of heads",
        )
    sizes = {
        "n": preset.context,
        "d": preset.width,
        "h": preset.heads,
        "k": preset.width // preset.heads,
        "f": preset.feed_forward,
        "v": vocabulary,
    }
    return sizes | dict(preset.sizes)


def count(graph: Graph, sizes: Mapping[str, int]) -> int:
    """The number of a graph's parameters, without making one.

    Raises:
        ShapeError: an axis of a parameter has no size.
    """
    total = 0
    for parameter in graph.parameters:
        axes = parameter.input.attributes.axes
        missing = [axis for axis in axes if axis not in sizes]
        if missing:
            raise ShapeError(
                f"the parameter {parameter.path!r} has axis {missing[0]}, which has no size",
                hint=f"--set sizes.{missing[0]}=16",
            )
        total += prod(sizes[axis] for axis in axes)
    return total
