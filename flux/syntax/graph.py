"""What a layer or model becomes once its integers are known: inputs, parameters, values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flux.expr import Expr
from flux.source import Span


@dataclass(frozen=True)
class Parameter:
    """A parameter of a graph.

    Attributes:
        path: where it is owned, such as `block.0.attention.Wq`; its input has that name.
        input: the input that stands for it, with its axes in declared order.
        initial: its initial value over those axes: a constant, or an expression of random numbers
            whose site is the path and whose seed is the input `seed`.
        span: where it is declared.
    """

    path: str
    input: Expr
    initial: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Graph:
    """A layer or model as expressions.

    Attributes:
        name: of the definition.
        inputs: what it is a function of, in declared order; then `seed` and `step` where it draws
            random numbers.
        parameters: in the order of first appearance.
        values: every binding of its body, by name.
        result: its value.
        integers: its options, the defaults included.
        origins: for each expression, the places in the text that built it.
        order: the axes of the result that the header's `->` gives, in order; else empty.
        training: the graph of a training step, with the same parameters, where the text says
            `training`; else None.
    """

    name: str
    inputs: tuple[Expr, ...]
    parameters: tuple[Parameter, ...]
    values: Mapping[str, Expr]
    result: Expr
    integers: Mapping[str, int | float]
    origins: Mapping[Expr, tuple[Span, ...]] = field(compare=False, repr=False)
    order: tuple[str, ...] = ()
    training: Graph | None = None
