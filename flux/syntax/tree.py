"""The syntax tree: what a text says, before names and axes mean anything.

The parser makes it and the elaborator reads it. Nodes are frozen; each holds the offsets of its
first and past its last character, and `Text` holds the source, so that `span` gives a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from flux.source import Source, Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tree:
    """A node: characters `start` to `end` (exclusive) of its text."""

    start: int
    end: int

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start}, {self.end})"


# ---- Expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Tree):
    """`12`, `0.5`, `1e-3`."""

    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Tree):
    """`x`, or `` `a b` `` (quoted), which is always a value."""

    name: str
    quoted: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is a text, `"F"`, that scoring compares columns with: an input everywhere."""
        return self.quoted and len(self.name) > 1 and self.name[0] == self.name[-1] == '"'


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prefix(Tree):
    """`-a`, `+a`, `not a` (also spelled `!a`)."""

    operator: str
    operand: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Tree):
    """`a + b` and the other operators of two operands, `and` and `or` among them."""

    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Chain(Tree):
    """`a < b <= c`: one operator fewer than operands."""

    operands: tuple[Tree, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice(Tree):
    """`condition ? then : otherwise`."""

    condition: Tree
    then: Tree
    otherwise: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Tree):
    """`f(a, b; n = 2)`, with `f` a name, an index (`sum[d]`) or a call (`repeat(f, n)`)."""

    function: Tree
    arguments: tuple[Tree, ...]
    options: tuple[Tree, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Index(Tree):
    """`x[t = s]`, `E[tokens, d]`; also the axes of a declaration, a header or a reduction."""

    target: Tree
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Keyword(Tree):
    """`name = value` between brackets."""

    name: Tree
    value: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Typed(Tree):
    """`n: int`, `n: int = 4` between brackets or in a declaration."""

    target: Tree
    kind: Tree
    default: Tree | None


# ---- Statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Value(Tree):
    """A line that is an expression."""

    value: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binding(Tree):
    """`name = value`; where the target is a call, a one-line definition."""

    target: Tree
    value: Tree


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Declaration(Tree):
    """`input ...`, `axis ...`, `assume ...`: the word and what it declares."""

    word: str
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Param(Tree):
    """`param W[d, h], U[d, h] ~ initial`, or `param gain[d] = 1` with keyword items."""

    items: tuple[Tree, ...]
    initial: Tree | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Define(Tree):
    """A definition: word is `function`, `layer`, `model` or `derivative`."""

    word: str
    header: Tree
    result: Tree | None  # what `->` points to
    body: tuple[Tree, ...]


# The kinds that formulas are full of are made in half the time that a frozen dataclass takes.


def _setters(kind: type[Tree]) -> list[Callable[[Tree, Any], None]]:
    return [getattr(kind, field.name).__set__ for field in fields(kind)]


def _of_three(kind: type[Tree]) -> Callable[..., None]:
    set_start, set_end, set_first = _setters(kind)

    def make(self: Tree, start: int, end: int, first: Any) -> None:
        set_start(self, start)
        set_end(self, end)
        set_first(self, first)

    return make


def _of_four(kind: type[Tree], last: Any) -> Callable[..., None]:
    set_start, set_end, set_first, set_second = _setters(kind)

    def make(self: Tree, start: int, end: int, first: Any, second: Any = last) -> None:
        set_start(self, start)
        set_end(self, end)
        set_first(self, first)
        set_second(self, second)

    return make


def _of_five(kind: type[Tree]) -> Callable[..., None]:
    set_start, set_end, set_first, set_second, set_third = _setters(kind)

    def make(self: Tree, start: int, end: int, first: Any, second: Any, third: Any) -> None:
        set_start(self, start)
        set_end(self, end)
        set_first(self, first)
        set_second(self, second)
        set_third(self, third)

    return make


if not TYPE_CHECKING:  # their dataclasses state the types
    Number.__init__ = _of_three(Number)
    Name.__init__ = _of_four(Name, last=False)
    Binary.__init__ = _of_five(Binary)
    Call.__init__ = _of_five(Call)


@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """A whole text."""

    source: Source
    statements: tuple[Tree, ...]

    def span(self, tree: Tree) -> Span:
        """The place of a node."""
        return Span(self.source, tree.start, tree.end)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def children(tree: Tree) -> list[tuple[str, Tree]]:
    """The nodes directly below a node, each with the name of its field, in the text's order."""
    found: list[tuple[str, Tree]] = []
    for name in _parts(type(tree)):
        value = getattr(tree, name)
        if isinstance(value, Tree):
            found.append((name, value))
        elif isinstance(value, tuple):
            found.extend((name, item) for item in value if isinstance(item, Tree))
    return found


_PARTS: dict[type[Tree], tuple[str, ...]] = {}


def _parts(kind: type[Tree]) -> tuple[str, ...]:
    """The fields of a kind of node, its place apart."""
    known = _PARTS.get(kind)
    if known is None:
        known = _PARTS[kind] = tuple(field.name for field in fields(kind)[2:])
    return known


def walk(*roots: Tree) -> Iterator[Tree]:
    """Every node below and including the roots, in the order of the text."""
    stack = list(reversed(roots))
    while stack:
        tree = stack.pop()
        yield tree
        stack.extend(child for _, child in reversed(children(tree)))


def _lines(text: Text) -> Iterator[str]:
    stack = [(0, "", statement) for statement in reversed(text.statements)]
    while stack:
        depth, label, tree = stack.pop()
        place = text.span(tree)
        words = [f"{label}:" if label else "", type(tree).__name__.lower(), *_plain(tree)]
        shown = " ".join(word for word in words if word)
        yield f"{'  ' * min(depth, 40)}{shown}  @{place.line}:{place.column}"
        stack.extend((depth + 1, name, child) for name, child in reversed(children(tree)))


def _plain(tree: Tree) -> list[str]:
    """The fields of a node that are not nodes, as words."""
    found = []
    for name in _parts(type(tree)):
        value = getattr(tree, name)
        if isinstance(value, str):
            found.append(value)
        elif name == "operators":
            found.extend(value)
    return found
