"""The parse table is the grammar's, and reading with it is reading with Lark."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lark import Lark, Transformer
from lark.exceptions import LarkError
from lark.indenter import Indenter

from flux.errors import FluxError
from flux.source import Source
from flux.syntax.actions import ACTIONS
from flux.syntax.generate import TABLE, generate, grammar_text, render
from flux.syntax.read import read
from flux.syntax.tree import Tree, children


def test_the_table_is_made_from_the_grammar() -> None:
    assert TABLE.read_text() == render(generate(grammar_text())), (
        "run python -m flux.syntax.generate"
    )


def test_every_rule_has_an_action_and_every_action_a_rule() -> None:
    named = {action for _, _, action, _ in json.loads(TABLE.read_text())["rules"] if action}
    assert named == set(ACTIONS)


class Layout(Indenter):
    NL_type = "_NEWLINE"
    OPEN_PAREN_types = ["LPAR", "LSQB"]  # noqa: RUF012  # Lark declares it so
    CLOSE_PAREN_types = ["RPAR", "RSQB"]  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


class Shape(Transformer[Any, Any]):
    """Builds what the reader builds, with Lark's own parser."""

    def __getattr__(self, name: str) -> Any:
        if name not in ACTIONS:
            raise AttributeError(name)
        return lambda parts: ACTIONS[name](0, 0, *map(_plain, parts))


def _plain(part: Any) -> Any:
    return str(part) if isinstance(part, str) else part


LARK = Lark(
    grammar_text(),
    start="text",
    parser="lalr",
    lexer="contextual",
    strict=True,
    postlex=Layout(),
    maybe_placeholders=False,
)

TEXTS = [
    "a + b*2",
    "-2^2 - -x**3 % 4",
    "not a and b || !c && d",
    "a < b <= c != d",
    "c ? a : b ? d : f",
    "f(x, y = 2; n = 3)",
    "f()(x)(; n = 2)",
    "sum[h, k](x[t = s, s = t])",
    "E[tokens, d]",
    "`a b`*`c.0.d`",
    "x = 1\ny = 2*x\nx + y",
    "input x[t, d], n: int\nassume x > 0\naxis s\nx",
    "input + axis",
    "f(x) = x^2\nf(3)",
    "f[i](x) -> y[i] = x",
    "derivative f(x) = 2*x",
    "f(x):\n    y = x*2  # a comment\n\n    # another\n    y + 1\ng(3)",
    "layer l[d](x[d]):\n  param W[d], U[d] ~ normal(0, 1)\n  param b = 0\n  x",
    "model m(a; n: int = 4):\n  l(a)",
    "(a\n + b)*\\",
    "1 +",
    "a b",
    "f(x,)",
    "a[1, 2",
    "f(x):\n1",
    "a < ",
    "1..2",
    "=",
    "layer f(x) = 2",
    "param",
    "5 !",
    "a ? b",
]


def shape(tree: Any) -> Any:
    """The kinds and plain fields of a tree, without places."""
    if isinstance(tree, Tree):
        plain = [v for v in _fields(tree) if isinstance(v, str | bool)]
        return (type(tree).__name__, plain, [(n, shape(c)) for n, c in children(tree)])
    return [shape(item) for item in tree]


def _fields(tree: Tree) -> list[Any]:
    return [getattr(tree, name) for name in type(tree).__dataclass_fields__]


@pytest.mark.parametrize("text", TEXTS)
def test_reading_agrees_with_lark(text: str) -> None:
    try:
        parsed = Shape().transform(LARK.parse(text + "\n"))
    except LarkError:
        parsed = None
    try:
        ours = shape(read(Source(text)).statements)
    except FluxError:
        ours = None
    assert (None if parsed is None else shape(parsed)) == ours
