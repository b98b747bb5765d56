"""Definitions: what a header says, and what a body mentions before any call.

`define` reads a `Define` tree into a Definition: its formals with their axes, the axes of its
brackets, the options after `;`. `Mentions` is the static reading of statements that names and axes
need: which names are axes, which formals a derivative is taken by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from flux.errors import ArgumentError, AxisError, ParseError
from flux.expr import Expr, Operand
from flux.source import Span
from flux.syntax.functions import REDUCTION_FUNCTIONS
from flux.syntax.tree import (
    Binding,
    Call,
    Chain,
    Declaration,
    Define,
    Index,
    Keyword,
    Name,
    Number,
    Param,
    Text,
    Tree,
    Typed,
    walk,
)

if TYPE_CHECKING:
    from flux.syntax.graph import Graph

# Brackets after these names hold axes only.
AXIS_BRACKETS = frozenset((*REDUCTION_FUNCTIONS, "mean", "size", "position", "random"))
_KINDS = ("int", "real")


class Lookup(Protocol):
    """Where a text finds definitions."""

    def find(self, name: str) -> Definition | None:
        """The definition of that name."""

    def names(self) -> Sequence[str]:
        """Every name that `find` knows."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name: `x[t, d]`, `tokens[b, t]: int`, `rate: real = 0.1`.

    Attributes:
        axes: as written; None where there is no axis list, so that a formal takes any axes.
        kind: "" where none is written, `int` or `real`.
        default: what it is where it is not given.
    """

    name: str
    axes: tuple[str, ...] | None
    kind: str
    default: Tree | None
    tree: Tree
    quoted: bool = False


def declared(text: Text, item: Tree) -> Declared:
    """Read a declaration that was parsed as an expression."""
    target, kind, default = item, "", None
    if isinstance(item, Keyword):
        target, default = item.name, item.value
    elif isinstance(item, Typed):
        target, kind, default = item.target, _kind(text, item.kind), item.default
    axes: tuple[str, ...] | None = None
    if isinstance(target, Index):
        axes, target = _axis_list(text, target), target.target
    if not isinstance(target, Name):
        raise ParseError("expected a name, or a name with axes", (text.span(target),))
    return Declared(target.name, axes, kind, default, item, target.quoted)


def _kind(text: Text, tree: Tree) -> str:
    if isinstance(tree, Name) and tree.name in _KINDS:
        return tree.name
    raise ParseError("expected `int` or `real`", (text.span(tree),))


def _axis_list(text: Text, tree: Index) -> tuple[str, ...]:
    names: dict[str, Tree] = {}
    for item in tree.items:
        if not isinstance(item, Name):
            raise ParseError("expected the name of an axis", (text.span(item),))
        if item.name in names:
            raise AxisError(
                f"axis {item.name} stands twice in one list",
                (text.span(item),),
                hint=f"give one a name of its own, then rename: `[{item.name}_1 = {item.name}]`",
            )
        names[item.name] = item
    return tuple(names)


@dataclass(frozen=True, eq=False)
class Definition:
    """A function, layer or model of a text.

    Attributes:
        name: its name.
        kind: `function`, `layer` or `model`.
        brackets: the axes between the brackets of the header.
        formals: the arguments before `;`.
        options: those after it: numbers that are known when a graph is built.
        result: what the header's `->` gives, or None.
        body: the statements.
        doc: the comment lines directly above it.
        text: where it stands.
        lookup: where its body finds definitions.
        derivatives: by formal, its own derivatives.
    """

    name: str
    kind: str
    brackets: tuple[str, ...]
    formals: tuple[Declared, ...]
    options: tuple[Declared, ...]
    result: Declared | None
    body: tuple[Tree, ...]
    tree: Define
    text: Text
    lookup: Lookup = field(repr=False)
    derivatives: dict[str, Definition] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        """The place of the header."""
        return self.text.span(self.tree.header)

    @cached_property
    def doc(self) -> str:
        """The comment lines directly above the definition, without their marks."""
        number = self.text.span(self.tree).line - 1
        lines: list[str] = []
        while self.text.source.line(number).lstrip().startswith("#"):
            lines.append(self.text.source.line(number).lstrip().lstrip("#").strip())
            number -= 1
        return "\n".join(reversed(lines))

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The header's axes: those in brackets, then those of formals."""
        of_formals = (axis for formal in self.formals for axis in formal.axes or ())
        return tuple(dict.fromkeys((*self.brackets, *of_formals)))

    @cached_property
    def own_axes(self) -> frozenset[str]:
        """Axes in brackets that belong to no formal."""
        of_formals = {axis for formal in self.formals for axis in formal.axes or ()}
        return frozenset(self.brackets) - of_formals

    @cached_property
    def mentions(self) -> Mentions:
        """What the body mentions."""
        axes = dict.fromkeys(self.axes, self.tree.header)
        return mentions(self.text, self.body, axes, (*self.formals, *self.options))

    @property
    def header(self) -> str:
        """The header as it is written."""
        return self.span.text

    def build(self, **options: int | float) -> Graph:
        """The graph for these options: the definition over inputs named like its formals.

        Raises:
            FluxError: an unknown option, or a mistake in the body.
        """
        from flux.syntax.build import build_graph  # building stands above definitions

        return build_graph(self, options)

    def __call__(
        self, *args: Operand, axes: Mapping[str, str] | None = None, **named: Operand
    ) -> Expr:
        """The function of these arguments.

        Args:
            args: values in the order of the header.
            axes: header axes that stand for others of the arguments: `softmax(x, axes={"i": "v"})`.
            named: values and options by name.
        """
        from flux.syntax.build import call_function

        return call_function(self, args, axes or {}, named)

    def __str__(self) -> str:
        return f"{self.kind} {self.header}"


def define(text: Text, tree: Define, lookup: Lookup) -> Definition:
    """Read the header of a definition."""
    header = tree.header
    if not isinstance(header, Call):
        hint = "such as `f(x) = x^2`, or `f[i](x):` with an indented body"
        raise ParseError("expected a header with arguments", (text.span(header),), hint)
    name, brackets = _header_name(text, header.function)
    formals = tuple(declared(text, item) for item in header.arguments)
    options = tuple(declared(text, item) for item in header.options)
    if tree.word == "derivative":  # its option names a formal
        _check_unique(text, formals)
    else:
        _check_unique(text, (*formals, *options))
    result = declared(text, tree.result) if tree.result is not None else None
    return Definition(
        name, tree.word, brackets, formals, options, result, tree.body, tree, text, lookup
    )


def _header_name(text: Text, tree: Tree) -> tuple[str, tuple[str, ...]]:
    brackets: tuple[str, ...] = ()
    if isinstance(tree, Index):
        brackets, tree = _axis_list(text, tree), tree.target
    if not isinstance(tree, Name):
        raise ParseError("expected the name of the definition", (text.span(tree),))
    return tree.name, brackets


def _check_unique(text: Text, items: Sequence[Declared]) -> None:
    seen: dict[str, Declared] = {}
    for item in items:
        if item.name in seen:
            places = (text.span(item.tree), text.span(seen[item.name].tree))
            raise ArgumentError(f"`{item.name}` is declared twice", places)
        seen[item.name] = item


# ---- What statements mention ---------------------------------------------------------------------


@dataclass(slots=True)
class Mentions:
    """What statements mention.

    Attributes:
        axes: names that are axes, with a place that says so.
        declared: those of them that a declaration names.
        values: names that are bound as values outside backticks, with the place.
        by: names that a derivative is taken by.
        assumptions: conditions on inputs.
    """

    axes: dict[str, Tree] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    values: dict[str, Tree] = field(default_factory=dict)
    by: set[str] = field(default_factory=set)
    assumptions: dict[str, str] = field(default_factory=dict)

    def add_axes(self, axes: Mapping[str, Tree]) -> None:
        """Add declared axes."""
        for axis, tree in axes.items():
            self.axes.setdefault(axis, tree)
            self.declared.add(axis)


def mentions(
    text: Text,
    statements: Sequence[Tree],
    axes: Mapping[str, Tree] | None = None,
    formals: Sequence[Declared] = (),
) -> Mentions:
    """Read statements without elaborating them; definitions among them are not looked into.

    Args:
        text: where they stand.
        statements: the lines.
        axes: axes of the header.
        formals: what else the header declares.
    """
    found = Mentions()
    found.add_axes(axes or {})
    for formal in formals:
        _mention_declared(formal, found)
    for statement in statements:
        _mention(text, statement, found)
    for name, place in found.values.items():
        if name in found.axes:
            raise AxisError(
                f"`{name}` is an axis of this text and cannot be a value too",
                (text.span(place), text.span(found.axes[name])),
                hint="give the value another name",
            )
    return found


def _mention(text: Text, statement: Tree, found: Mentions) -> None:
    if isinstance(statement, Define):
        return
    if isinstance(statement, Declaration):
        _mention_declaration(text, statement, found)
    elif isinstance(statement, Param):
        for item in statement.items:
            _mention_declared(declared(text, item), found)
    elif isinstance(statement, Binding):
        target = statement.target
        if isinstance(target, Call):
            return
        if isinstance(target, Index):
            found.add_axes(dict.fromkeys(_axis_list(text, target), target))
            target = target.target
        if isinstance(target, Name) and not target.quoted:
            found.values.setdefault(target.name, target)
    for tree in walk(statement):
        if isinstance(tree, Call):
            _mention_call(tree, found)
        elif isinstance(tree, Index):
            _mention_brackets(tree, found)


def _mention_declaration(text: Text, statement: Declaration, found: Mentions) -> None:
    if statement.word == "axis":
        for item in statement.items:
            if not isinstance(item, Name):
                raise ParseError("expected the name of an axis", (text.span(item),))
            found.add_axes({item.name: item})
    elif statement.word == "assume":
        name, condition = assumption(text, statement.items[0])
        found.assumptions[name] = condition
    else:
        for item in statement.items:
            _mention_declared(declared(text, item), found)


def _mention_declared(item: Declared, found: Mentions) -> None:
    found.add_axes(dict.fromkeys(item.axes or (), item.tree))
    if not item.quoted:
        found.values.setdefault(item.name, item.tree)


def _mention_call(tree: Call, found: Mentions) -> None:
    function = tree.function
    if isinstance(function, Name) and function.name in ("diff", "grad"):
        found.by.update(item.name for item in tree.arguments[1:2] if isinstance(item, Name))
    if isinstance(function, Index):
        for name in _bracket_axes(function):
            found.axes.setdefault(name.name, name)


def _bracket_axes(tree: Index) -> Iterator[Name]:
    """Axes between the brackets of a function: `softmax[s]`, `f[t = u]`."""
    for item in tree.items:
        value = item.value if isinstance(item, Keyword) else item
        if isinstance(value, Name):
            yield value


def _mention_brackets(tree: Index, found: Mentions) -> None:
    target = tree.target
    if isinstance(target, Name) and not target.quoted and target.name in ("size", "position"):
        for name in _bracket_axes(tree):
            found.axes.setdefault(name.name, name)


_CONDITIONS = (">", ">=", "<", "<=", "!=")


def assumption(text: Text, tree: Tree) -> tuple[str, str]:
    """The name and the condition of `assume x > 0`."""
    if (
        isinstance(tree, Chain)
        and len(tree.operators) == 1
        and tree.operators[0] in _CONDITIONS
        and isinstance(tree.operands[0], Name)
        and isinstance(tree.operands[1], Number)
        and tree.operands[1].text == "0"
    ):
        return tree.operands[0].name, f"{tree.operators[0]} 0"
    hint = "such as `assume x > 0`, with one of > >= < <= !="
    raise ParseError("expected a name compared with 0", (text.span(tree),), hint)
