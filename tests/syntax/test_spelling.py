"""Each operation has a spelling that reads back as exactly that node (docs/language.md)."""

from __future__ import annotations

import pytest

from flux.expr import (
    Expr,
    apply,
    constant,
    node,
    position,
    random,
    reduce,
    rename,
    size,
    stop,
    topological,
    variable,
    where,
)
from flux.ops import POINTWISE, REDUCTIONS, Kind, Op
from flux.syntax import parse
from flux.syntax.calls import _BUILTIN, _SPECIAL
from flux.syntax.functions import (
    BINARY_OPERATORS,
    FUNCTION_NAMES,
    POINTWISE_FUNCTIONS,
    PREFIX_OPERATORS,
)

a, b, c = variable("a"), variable("b"), variable("c")
q = variable("q", ("t", "d"))
i = variable("i", ("b",), integer=True)
w, w_t = variable("w", ("my axis",)), variable("w", ("t",))
INPUTS = "input q[t, d], i[b]: int\naxis s\n"

SPELLINGS: list[tuple[str, Expr]] = [
    ("0", constant(0)),
    ("12", constant(12)),
    ("12.0", constant(12.0)),
    ("0.5", constant(0.5)),
    (".5", constant(0.5)),
    ("5.", constant(5.0)),
    ("1e-05", constant(1e-05)),
    ("2.5e+30", constant(2.5e30)),
    ("1E3", constant(1e3)),
    ("0.0", constant(0.0)),
    ("-0.0", constant(-0.0)),
    ("-1", constant(-1)),
    ("-inf", constant(float("-inf"))),
    ("true", constant(True)),
    ("false", constant(False)),
    ("pi", constant("pi")),
    ("e", constant("e")),
    ("inf", constant("inf")),
    ("nan", constant("nan")),
    ("a", a),
    ("`a`", a),
    ("`block.0.W`", variable("block.0.W")),
    ("`not`", variable("not")),
    (INPUTS + "q", q),
    (INPUTS + "i", i),
    ("assume a >= 0\na", variable("a", assumption=">= 0")),
    ("assume a > 0\ninput a[t]: int\na", variable("a", ("t",), integer=True, assumption="> 0")),
    ("axis t\nt", position("t")),
    ("position[t]", position("t")),
    ("position[`my axis`]", position("my axis")),
    ("size[t]", size("t")),
    ("random(`here`, a, b)", random("here", (), a, b)),
    ("random[t, d](`x.W`, a, 0)", random("x.W", ("t", "d"), a, 0)),
    ("-a", -a),
    ("a + b", a + b),
    ("a - b", a - b),
    ("a*b", a * b),
    ("a/b", a / b),
    ("a^b", a**b),
    ("a % b", a % b),
    ("a < b", apply(Op.LT, a, b)),
    ("a <= b", apply(Op.LE, a, b)),
    ("a > b", apply(Op.GT, a, b)),
    ("a >= b", apply(Op.GE, a, b)),
    ("a == b", apply(Op.EQ, a, b)),
    ("a != b", apply(Op.NE, a, b)),
    ("a and b", apply(Op.AND, a, b)),
    ("a or b", apply(Op.OR, a, b)),
    ("not a", apply(Op.NOT, a)),
    ("where(a, b, c)", where(a, b, c)),
    ("stop(a)", stop(a)),
    ("custom(a, b, c)", node(Op.CUSTOM, (a, b, c))),
    (INPUTS + "sum[d](q)", reduce(Op.SUM, q, ("d",))),
    (INPUTS + "sum[d, t](q)", reduce(Op.SUM, q, ("t", "d"))),
    (INPUTS + "sum[s](q)", reduce(Op.SUM, q, ("s",))),
    (INPUTS + "argmax[d](q)", reduce(Op.ARGMAX, q, ("d",))),
    (INPUTS + "q[t = s]", rename(q, {"t": "s"})),
    (INPUTS + "q[t = d, d = t]", rename(q, {"t": "d", "d": "t"})),
    (INPUTS + "q[t = i]", node(Op.INDEX, (q, i), ("t",))),
    (INPUTS + "q[d = i, t = 0]", node(Op.INDEX, (q, i, constant(0)), ("d", "t"))),
    (INPUTS + "q[t = position[s]]", node(Op.INDEX, (q, position("s")), ("t",))),
    (INPUTS + "q[t = position[d]]", node(Op.INDEX, (q, position("d")), ("t",))),
    (INPUTS + "q[t = s + 1]", node(Op.INDEX, (q, position("s") + 1), ("t",))),
    (INPUTS + "(q + q)[t = s]", rename(q + q, {"t": "s"})),
    (INPUTS + "q[t = s][d = i]", node(Op.INDEX, (rename(q, {"t": "s"}), i), ("d",))),
    ("input w[`my axis`]\nsum[`my axis`](w)", reduce(Op.SUM, w, ("my axis",))),
    ("input w[t]\naxis `my axis`\nw[t = `my axis`]", rename(w_t, {"t": "my axis"})),
    ("`t` + position[t]", variable("t") + position("t")),
    ("y = a + b\ny*y", (a + b) * (a + b)),
    ("_1 = a + b\n_2 = _1*_1\n_2 - _1", (a + b) * (a + b) - (a + b)),
]


@pytest.mark.parametrize(("text", "e"), SPELLINGS)
def test_the_spelling_gives_exactly_the_node(text: str, e: Expr) -> None:
    assert parse(text) is e


@pytest.mark.parametrize("op", POINTWISE)
def test_every_pointwise_operation_has_a_spelling(op: Op) -> None:
    args = (a, b, c)[: op.row.arity if op.row.arity > 0 else 3]
    symbols = {made: text for text, made in BINARY_OPERATORS.items()}
    if op in symbols:
        text = f"a {symbols[op]} b"
    elif op in PREFIX_OPERATORS.values():
        text = "-a" if op is Op.NEG else "not a"
    else:
        text = f"{op.row.name}({', '.join(str(e.attributes.name) for e in args)})"
    assert parse(text) is node(op, args)


@pytest.mark.parametrize("op", REDUCTIONS)
def test_every_reduction_has_a_spelling(op: Op) -> None:
    assert parse(f"input q[t, d]\n{op.row.name}[t](q)") is node(op, (q,), ("t",))


def test_every_operation_is_spelled_above() -> None:
    spelled = {part.op for _, e in SPELLINGS for part in topological((e,))}
    others = {op for op in Op if op.row.kind in (Kind.LEAF, Kind.ACCESS)}
    assert others <= spelled


def test_every_function_name_has_a_step() -> None:
    assert {*_SPECIAL, *_BUILTIN} == FUNCTION_NAMES
    assert set(POINTWISE_FUNCTIONS) < FUNCTION_NAMES


def test_the_same_text_gives_the_same_node() -> None:
    assert parse("sin(x)*exp(-x)") is parse("sin(x) * exp(-x)")
