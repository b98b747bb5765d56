"""What statements mention before anything is elaborated: which names are axes, which are values.

A name between the brackets of a header, a declaration or a function is an axis everywhere in its
text, so that a text is read once for its axes before its first line runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flux.errors import AxisError, LimitError, ParseError
from flux.settings import current
from flux.syntax.declared import Declared, axis_list, declared
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
    walk,
)


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
    if len(found.axes) + len(found.values) > current().max_names:
        raise LimitError(f"a text has more than {current().max_names} names (setting max_names)")
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
            found.add_axes(dict.fromkeys(axis_list(text, target), target))
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
    if isinstance(function, Name) and function.name in ("diff", "grad", "root"):
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
