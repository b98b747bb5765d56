"""Every table over the operations covers every operation."""

import pytest

from flux.calculus.adjoint import RULES as ADJOINTS
from flux.calculus.differentiate import RULES as TANGENTS
from flux.calculus.partials import PARTIALS
from flux.expr import node, position, variable
from flux.expr.print_latex import to_latex
from flux.expr.print_text import to_text
from flux.expr.print_tree import to_tree
from flux.kernels import KERNELS
from flux.ops import COMPARISONS, POINTWISE, REDUCTIONS, Kind, Op, Result
from flux.scalars import SCALARS


def test_names_are_unique():
    names = [op.row.name for op in Op]
    assert len(set(names)) == len(names)
    assert [op for op in Op if op.name.lower() != op.row.name] == []


def test_kinds_partition_the_operations():
    leaves = [op for op in Op if op.row.kind is Kind.LEAF]
    assert sorted(op.name for op in (*leaves, *POINTWISE, *REDUCTIONS, Op.INDEX, Op.RENAME)) == (
        sorted(op.name for op in Op)
    )
    assert all(op.row.result is Result.TRUTH for op in COMPARISONS)


@pytest.mark.parametrize("table", [KERNELS, SCALARS])
def test_tables_over_pointwise_operations_are_complete(table):
    assert set(table) == set(POINTWISE)


def _example(op):
    x = variable("x", ("a", "b"))
    if op.row.kind is Kind.POINTWISE:
        return node(op, (x,) * (op.row.arity if op.row.arity >= 0 else 3))
    if op.row.kind is Kind.REDUCTION:
        return node(op, (x,), ("b",))
    if op is Op.INDEX:
        return node(op, (x, position("a")), ("b",))
    if op is Op.RENAME:
        return node(op, (x,), (("b", "c"),))
    return None


@pytest.mark.parametrize("show", [to_text, to_latex, to_tree])
@pytest.mark.parametrize("op", [op for op in Op if op.row.kind is not Kind.LEAF])
def test_every_operation_prints(op, show):
    e = _example(op)
    assert show(e) != show(e.args[0])


def test_every_operation_has_a_derivative():
    assert set(POINTWISE) - set(PARTIALS) == {Op.CUSTOM}  # it brings its own
    assert set(Op) - set(PARTIALS) - set(TANGENTS) == {Op.CUSTOM}
    assert set(REDUCTIONS) | {Op.INDEX, Op.RENAME} == set(ADJOINTS) | {Op.ARGMAX}
