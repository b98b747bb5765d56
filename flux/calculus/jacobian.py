"""Matrices of derivatives: the Jacobian of several scalars, the Hessian of one, and its products.

Scalars and names go in, rows of expressions come out that share their parts. A Jacobian is swept in
the direction that visits fewer nodes: backwards once a row, or forwards once a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flux.calculus.adjoint import gradient, pulled_back, vjp
from flux.calculus.differentiate import Variables, jvps
from flux.calculus.folding import ONE, ZERO
from flux.calculus.substitute import as_expression
from flux.errors import ArgumentError, AxisError, LimitError
from flux.expr import Expr, Operand, count_nodes, show_axes, topological
from flux.settings import current

Matrix = list[list[Expr]]


def jacobian(expressions: Sequence[Expr | str], names: Sequence[str | Expr]) -> Matrix:
    """The derivatives of several scalars by several inputs.

    J[i][j] = d expressions[i] / d names[j]

    Shapes:
        As many rows as expressions, as many columns as names; all of them scalars.

    Raises:
        ArgumentError: the expressions or the names are not a list.
        AxisError: an expression or an input has axes.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    if isinstance(expressions, str | Expr) or not isinstance(expressions, Iterable):
        raise ArgumentError(
            "the functions of a Jacobian are a list", hint="one of them has a gradient"
        )
    outputs = [as_expression(e) for e in expressions]
    variables = _variables(names)
    _check_scalars(outputs, variables)
    backwards = sum(map(count_nodes, outputs))
    forwards = len(variables) * count_nodes(*outputs)
    _check_work(min(backwards, forwards))
    if backwards <= forwards:
        return [vjp(e, ONE, variables) for e in outputs]
    columns = [jvps(outputs, {x: ONE}) for x in variables]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in outputs]


def hessian(e: Expr, names: Sequence[str | Expr]) -> Matrix:
    """The second derivatives of a scalar by several inputs.

    H[i][j] = d^2 e / (d names[i] d names[j]); H[j][i] is the same node.

    Raises:
        ArgumentError: the names are not a list.
        AxisError: the expression or an input has axes.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    variables = _variables(names)
    _check_scalars([e], variables)
    slopes = vjp(e, ONE, variables)
    reached = [topological((slope,)) for slope in slopes]
    _check_work(sum(map(len, reached)))
    columns = _columns(e, variables)
    matrix = [[ZERO] * len(variables) for _ in variables]
    for i, order in enumerate(reached):
        for j, second in _row(order, columns, i):
            matrix[i][j] = matrix[j][i] = second
    return matrix


def _columns(e: Expr, variables: Sequence[str | Expr]) -> dict[Expr, list[int]]:
    """The places in a list of variables that each of their nodes stands for."""
    found = Variables(e)
    columns: dict[Expr, list[int]] = {}
    for j, x in enumerate(variables):
        for leaf in found.of(x):
            columns.setdefault(leaf, []).append(j)
    return columns


def _row(
    order: Sequence[Expr], columns: Mapping[Expr, Sequence[int]], first: int
) -> Iterator[tuple[int, Expr]]:
    """What is not zero in a row of a Hessian, from a column on, each with its column.

    Only what the slope, last in order, reaches is asked for: a sparse Hessian costs as much as it
    has entries. A variable that is no input hides what it is made of, so it takes part in each row.
    """
    reached: dict[int, list[Expr]] = {}
    for leaf in order:
        for j in columns.get(leaf, ()):
            reached.setdefault(j, []).append(leaf)
    wanted = [j for j, leaves in reached.items() if j >= first or leaves[0].args]
    seconds = pulled_back(order, ONE, [reached[j] for j in wanted])
    return ((j, second) for j, second in zip(wanted, seconds, strict=True) if j >= first)


def hvp(
    e: Expr, direction: Mapping[str, Operand | str], names: Sequence[str] | None = None
) -> list[Expr]:
    """The product of a scalar's Hessian with a vector, without the Hessian.

    sum over j of d^2 e / (d names[i] d x_j) * direction[x_j], for each i

    Args:
        e: a scalar.
        direction: the vector by name; inputs that are absent stand still.
        names: the rows that are wanted; those of the direction by default.

    Shapes:
        A tangent has axes of its input only; a result has those of its own input.

    Raises:
        ArgumentError: the direction is not a mapping.
        AxisError: the expression has axes, or a tangent has one that its input lacks.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    seeds = directions(direction)
    return jvps(gradient(e, list(seeds) if names is None else names), seeds)


def along(e: Expr, direction: Mapping[str, Operand | str]) -> Expr:
    """The derivative of e along a direction that is given by name: `jvp`."""
    return jvps([e], directions(direction))[0]


def back(e: Expr, cotangent: Operand | str, names: Sequence[str | Expr]) -> list[Expr]:
    """The derivatives of `sum(cotangent * e)` by several inputs: `vjp`."""
    return vjp(e, as_expression(cotangent), _variables(names))


def directions(direction: object) -> dict[str | Expr, Expr]:
    """A direction by name, as expressions.

    Raises:
        ArgumentError: it is not a mapping from names.
    """
    if not isinstance(direction, Mapping):
        raise ArgumentError("a direction is a mapping from names", hint='such as {"x": 1}')
    return {name: as_expression(value) for name, value in direction.items()}


def _variables(names: Sequence[str | Expr]) -> list[str | Expr]:
    if isinstance(names, str | Expr) or not isinstance(names, Sequence):
        raise ArgumentError("the variables are a list", hint='such as ["x", "y"]')
    return list(names)


def _check_scalars(outputs: Sequence[Expr], variables: Sequence[str | Expr]) -> None:
    found = Variables(*outputs)
    for e in (*outputs, *(leaf for x in variables for leaf in found.of(x))):
        if e.axes:
            raise AxisError(
                f"a Jacobian or Hessian is of scalars by scalars; one of them has "
                f"{show_axes(e.axes)}",
                hint="vjp, jvp and hvp take inputs with axes",
            )


def _check_work(nodes: int) -> None:
    limit = current().max_nodes
    if nodes > limit:
        raise LimitError(
            f"the derivatives need more than {limit} nodes (setting max_nodes)",
            hint="fewer names, or hvp along one direction",
        )
