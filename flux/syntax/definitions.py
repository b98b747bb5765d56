"""Definitions: what the header of a function, layer or model says.

`define` reads a `Define` tree into a Definition: its formals with their axes, the axes of its
brackets, the options after `;`. Bodies are elaborated when they are called or built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from flux.errors import ArgumentError, ParseError
from flux.expr import Expr, Operand
from flux.source import Span
from flux.syntax.declared import Declared, axis_list, declared
from flux.syntax.mentions import Mentions, mentions
from flux.syntax.tree import Call, Define, Index, Name, Text, Tree

if TYPE_CHECKING:
    from flux.syntax.graph import Graph


class Lookup(Protocol):
    """Where a text finds definitions."""

    def find(self, name: str) -> Definition | None:
        """The definition of that name."""

    def names(self) -> Sequence[str]:
        """Every name that `find` knows."""

    def defines(self, name: str) -> bool:
        """Whether the text itself, rather than the library, defines that name."""


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
        brackets, tree = axis_list(text, tree), tree.target
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
