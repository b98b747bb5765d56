"""The expression: nodes, constructors, walks, printing and the reference evaluator."""

from flux.expr.build import (
    apply,
    constant,
    custom,
    index,
    position,
    random,
    reduce,
    rename,
    renames_among,
    size,
    stop,
    variable,
    where,
)
from flux.expr.node import Expr, Operand, lift, node, provide, show_axes
from flux.expr.print_text import to_line
from flux.expr.services import provide_services
from flux.expr.traverse import count_nodes, fold, inputs, rebuild, topological, unvisited, users

__all__ = [
    "Expr",
    "Operand",
    "apply",
    "constant",
    "count_nodes",
    "custom",
    "fold",
    "index",
    "inputs",
    "lift",
    "node",
    "position",
    "provide",
    "random",
    "rebuild",
    "reduce",
    "rename",
    "renames_among",
    "show_axes",
    "size",
    "stop",
    "to_line",
    "topological",
    "unvisited",
    "users",
    "variable",
    "where",
]

provide_services()
