"""What each rule of the grammar builds: the syntax tree grows while the text is read.

`ACTIONS` maps the name of a rule's alternative to a function of the first and past the last
character and of the rule's kept children. Lists grow in place: a list is the child of one parent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flux.syntax.tree import (
    Binary,
    Binding,
    Call,
    Chain,
    Choice,
    Declaration,
    Define,
    Index,
    Keyword,
    Name,
    Number,
    Param,
    Prefix,
    Tree,
    Typed,
    Value,
)

Action = Callable[..., Any]


def _more(start: int, end: int, items: list[Tree], item: Tree) -> list[Tree]:
    items.append(item)
    return items


def _call(
    start: int, end: int, function: Tree, arguments: list[Tree], options: list[Tree] | None = None
) -> Call:
    return Call(start, end, function, tuple(arguments), tuple(options or ()))


def _chain_more(
    start: int, end: int, chain: tuple[list[Tree], list[str]], operator: str, operand: Tree
) -> tuple[list[Tree], list[str]]:
    chain[0].append(operand)
    chain[1].append(operator)
    return chain


def _chain(start: int, end: int, chain: tuple[list[Tree], list[str]]) -> Chain:
    return Chain(start, end, tuple(chain[0]), tuple(chain[1]))


def _typed(start: int, end: int, target: Tree, kind: Tree, default: Tree | None = None) -> Typed:
    return Typed(start, end, target, kind, default)


def _binary(start: int, end: int, left: Tree, operator: str, right: Tree) -> Binary:
    return Binary(start, end, "^" if operator == "**" else operator, left, right)


def _header(start: int, end: int, header: Tree, result: Tree | None = None) -> tuple[Any, ...]:
    return header, result


def _define(word: str) -> Action:
    def build(start: int, end: int, header: tuple[Any, ...], body: list[Tree]) -> Define:
        return Define(start, end, word, header[0], header[1], tuple(body))

    return build


def _one_line(
    start: int, end: int, word: str, header: Tree, result: Tree | None, value: Tree
) -> Define:
    return Define(start, end, word, header, result, (Value(value.start, value.end, value),))


def _declaration(word: str) -> Action:
    def build(start: int, end: int, items: list[Tree]) -> Declaration:
        return Declaration(start, end, word, tuple(items))

    return build


def _param(start: int, end: int, items: list[Tree], initial: Tree | None = None) -> Param:
    return Param(start, end, tuple(items), initial)


ACTIONS: Mapping[str, Action] = {
    # Texts and statements.
    "text": lambda start, end, statements: statements,
    "nothing": lambda start, end: [],
    "value": Value,
    "binding": Binding,
    "short_definition": lambda s, e, h, r, v: _one_line(s, e, "function", h, r, v),
    "derivative": lambda s, e, h, v: _one_line(s, e, "derivative", h, None, v),
    "input": _declaration("input"),
    "axis": _declaration("axis"),
    "assume": lambda s, e, condition: Declaration(s, e, "assume", (condition,)),
    "param": _param,
    "header": _header,
    "function": _define("function"),
    "layer": _define("layer"),
    "model": _define("model"),
    "derivative_body": lambda s, e, h, body: Define(s, e, "derivative", h, None, tuple(body)),
    # Expressions.
    "choice": Choice,
    "or_": lambda s, e, a, b: Binary(s, e, "or", a, b),
    "and_": lambda s, e, a, b: Binary(s, e, "and", a, b),
    "not_": lambda s, e, a: Prefix(s, e, "not", a),
    "compare": lambda s, e, a, operator, b: ([a, b], [operator]),
    "compare_more": _chain_more,
    "chain": _chain,
    "binary": _binary,
    "prefix": Prefix,
    "call_empty": lambda s, e, function: Call(s, e, function, (), ()),
    "call": _call,
    "call_options": lambda s, e, function, options: Call(s, e, function, (), tuple(options)),
    "index": lambda s, e, target, items: Index(s, e, target, tuple(items)),
    "number": Number,
    "name": Name,
    "quoted": lambda s, e, name: Name(s, e, name[1:-1], True),
    # Items.
    "first": lambda start, end, item: [item],
    "more": _more,
    "keyword": Keyword,
    "typed": _typed,
}
