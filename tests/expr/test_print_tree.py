"""The tree of an expression: one line a node, shared nodes by number."""

from flux.expr.print_tree import to_tree
from flux.syntax import parse


def test_a_tree_shows_operations_attributes_and_axes():
    e = parse(
        "input E[v, d], tokens[t]: int\naxis s\nassume x > 0\n"
        "sum[d](E[v = tokens])[t = s]*x + random[s](`drop`, 1, 2)"
    )
    assert to_tree(e).splitlines() == [
        "add  axes [s]",
        "├─ mul  axes [s]",
        "│  ├─ rename [t = s]  axes [s]",
        "│  │  └─ sum [d]  axes [t]",
        "│  │     └─ index [v]  axes [d, t]",
        "│  │        ├─ input E  axes [d, v]",
        "│  │        └─ input tokens: int  axes [t]",
        "│  └─ input x > 0",
        "└─ random drop  axes [s]",
        "   ├─ 1",
        "   └─ 2",
    ]


def test_shared_nodes_are_drawn_once():
    assert to_tree(parse("sin(x + 1)*(x + 1)")).splitlines() == [
        "mul",
        "├─ sin",
        "│  └─ #1 add",
        "│     ├─ input x",
        "│     └─ 1",
        "└─ #1 (above)",
    ]


def test_a_tree_is_linear_in_shared_nodes():
    e = parse("x")
    for _ in range(200):
        e = e * e
    assert len(to_tree(e).splitlines()) == 401
