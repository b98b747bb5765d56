"""Integers, the order of axes, and sizes through renames."""

import pytest

from flux.errors import AxisError, ShapeError
from flux.expr import topological, variable
from flux.expr.integers import integral
from flux.expr.signature import bind_sizes, result_axes, signature
from flux.syntax import parse

_DECLARED = "input n: int, tokens[t]: int, x[t], E[v, d]\naxis s\n"

# (expression, whether it is an integer)
ROWS = [
    ("3", True),
    ("9007199254740992", True),
    ("9007199254740993", False),  # no float64 holds it
    ("3.0", False),
    ("true", False),
    ("n", True),
    ("x", False),
    ("t", True),
    ("size[t]", True),
    ("-n + 2*t - size[t] % 3", True),
    ("n/2", False),
    ("n^2", False),
    ("minimum(n, abs(t))", True),
    ("minimum(n, x)", False),
    ("where(x > 0, n, 1)", True),
    ("where(n, x, 1)", False),
    ("n < 3", False),
    ("argmax[t](x)", True),
    ("sum[t](tokens)", False),
    ("tokens[t = n]", True),
    ("x[t = n]", False),
    ("tokens[t = s]", True),
    ("floor(n)", False),
    ("stop(n)", True),
]


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_integers_are_known_by_their_form(text, expected):
    assert integral(parse(_DECLARED + text)) is expected


def test_asking_about_long_integers_needs_no_recursion():
    e = variable("n", integer=True)
    for _ in range(20_000):
        e = e + 1
    assert integral(e)


def test_axes_come_in_order_of_first_appearance():
    e = parse("input y[h, t], x[t, d]\naxis s, a\nx*y + position[a]*position[s]")
    assert result_axes(e) == ("t", "d", "h", "a", "s")


def test_one_name_is_one_input():
    x = variable("x")
    assert signature(x * variable("y") + x) == (x, variable("y"))
    with pytest.raises(AxisError, match=r"`x` is declared twice: with no axes and with axes \[d\]"):
        signature(x + variable("x", ("d",)))


def test_a_rename_binds_the_size_of_an_axis_that_nothing_else_binds():
    e = parse("input x[t]\naxis s, u\nx[t = s][s = u] + x[t = s]")
    order = topological((e,))
    assert bind_sizes(order, {"t": 4}) == {"t": 4, "s": 4, "u": 4}
    assert bind_sizes(order, {"t": 4, "s": 2}) == {"t": 4, "s": 2, "u": 2}
    with pytest.raises(ShapeError, match="axis t of size 4 to s of size 5"):
        bind_sizes(order, {"t": 4, "s": 5})
