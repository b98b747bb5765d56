"""Definitions of the standard library, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from flux.expr import Expr, Operand
from flux.syntax import Graph, Module, load_text


@cache
def library() -> Module:
    """The standard library's definitions, by name."""
    return load_text("", "<training>")


def graph(name: str, **options: int) -> Graph:
    """The graph of a layer or model."""
    return library()[name].build(**options)


def call(name: str, axes: Mapping[str, str] | None = None, **arguments: Operand) -> Expr:
    """A function of given expressions.

    Args:
        name: of the function.
        axes: header axes that stand for others of the arguments.
        arguments: by the names in its header.
    """
    return library()[name](axes=axes, **arguments)
