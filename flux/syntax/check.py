"""Check names before anything is elaborated, so that all misspellings of a file show at once.

What a definition may name is known from its header and body alone; what stands for an axis, a
function or a value follows from where a name stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from flux.errors import FluxError, ParseError
from flux.settings import current
from flux.syntax.declared import declared
from flux.syntax.definitions import Definition, Lookup
from flux.syntax.functions import FUNCTION_NAMES, TRAINING, named_constant
from flux.syntax.tree import (
    Binding,
    Call,
    Declaration,
    Define,
    Index,
    Keyword,
    Name,
    Param,
    Text,
    Tree,
    Typed,
    Value,
    children,
)
from flux.syntax.unknown import unknown_function, unknown_value


def raise_together(errors: Sequence[FluxError]) -> None:
    """Raise the first of some errors with the others behind it; nothing where there are none."""
    if not errors:
        return
    ordered = sorted(errors, key=lambda error: (error.line, error.column))
    first = ordered[0]
    first.errors = tuple(ordered[: current().max_errors])
    raise first


def check_definition(definition: Definition) -> Iterator[FluxError]:
    """Every name of a body that nothing declares, and every function that does not exist."""
    text, known = definition.text, _bound(definition)
    axes = definition.mentions.axes

    def value(tree: Name) -> FluxError | None:
        if tree.name in known or tree.is_text or (not tree.quoted and _is_known(tree.name, axes)):
            return None
        if tree.name == TRAINING and not tree.quoted and definition.kind != "function":
            return None
        if tree.quoted and "." in tree.name:
            return None  # the path of a parameter, known when the graph is built
        return unknown_value(text.span(tree), tree.name, [*known, *axes], definition.lookup)

    yield from _misplaced_lines(definition)
    values = [item.default for item in (*definition.formals, *definition.options) if item.default]
    yield from _check(text, [*definition.body, *values], definition.lookup, known, value)


_LINES_OF = {"function": (), "layer": ("param",), "model": ("param", "input", "assume")}


def _misplaced_lines(definition: Definition) -> Iterator[FluxError]:
    """Lines that this kind of definition cannot have, and values that nothing uses."""
    text, allowed = definition.text, ("axis", *_LINES_OF[definition.kind])
    for statement in definition.body:
        word = _line_word(statement)
        if word and word not in allowed:
            yield ParseError(
                f"a {definition.kind} has no `{word}` lines",
                (text.span(statement),),
                hint="parameters are for layers and models, inputs for formulas and models",
            )
    yield from unused_values(text, definition.body)
    if isinstance(definition.body[-1], Param | Declaration | Define):
        message = f"`{definition.name}` has no value"
        yield ParseError(message, (definition.span,), "end its body with an expression")


def _line_word(statement: Tree) -> str:
    if isinstance(statement, Define):
        return statement.word
    if isinstance(statement, Param):
        return "param"
    return statement.word if isinstance(statement, Declaration) else ""


def unused_values(text: Text, statements: Sequence[Tree]) -> Iterator[FluxError]:
    """Only the last line may be a bare value."""
    for statement in statements[:-1]:
        if isinstance(statement, Value):
            yield ParseError(
                "the value of this line is not used",
                (text.span(statement),),
                hint="bind it, `name = ...`, or make it the last line",
            )


def _is_known(name: str, axes: Iterable[str]) -> bool:
    return name in axes or named_constant(name) is not None


def check_functions(text: Text, lookup: Lookup) -> list[FluxError]:
    """Every function of a formula that does not exist."""
    bound = {name for statement in text.statements for name in _binds(text, statement)}
    found = _check(text, text.statements, lookup, bound, lambda tree: None)
    return list(islice(found, current().max_errors))


def _bound(definition: Definition) -> set[str]:
    names = {item.name for item in (*definition.formals, *definition.options)}
    for statement in definition.body:
        names.update(_binds(definition.text, statement))
    return names


def _binds(text: Text, statement: Tree) -> list[str]:
    """The values that a line makes."""
    if isinstance(statement, Binding):
        target = statement.target
        target = target.target if isinstance(target, Index) else target
        return [target.name] if isinstance(target, Name) else []
    if isinstance(statement, Param) or (
        isinstance(statement, Declaration) and statement.word == "input"
    ):
        return [declared(text, item).name for item in statement.items]
    return []


def _check(
    text: Text,
    statements: Sequence[Tree],
    lookup: Lookup,
    bound: Iterable[str],
    value: Callable[[Name], FluxError | None],
) -> Iterator[FluxError]:
    known = set(bound)
    stack: list[Tree] = [part for s in reversed(statements) for part in reversed(_parts(s))]
    while stack:
        tree = stack.pop()
        error: FluxError | None = None
        if isinstance(tree, Name):
            error = value(tree)
        elif isinstance(tree, Call):
            function, below = _call_parts(tree)
            if function is not None and not _exists(function, lookup, known):
                error = unknown_function(text.span(function), function.name, known, lookup)
            stack.extend(reversed(below))
        elif isinstance(tree, Index):
            stack.extend(reversed(_index_parts(tree)))
        else:
            stack.extend(child for _, child in reversed(children(tree)))
        if error is not None:
            yield error


def _exists(function: Name, lookup: Lookup, known: set[str]) -> bool:
    """Whether a call may be of that name: an instance that is bound here counts."""
    name = function.name
    return name in FUNCTION_NAMES or name in known or lookup.find(name) is not None


def _parts(statement: Tree) -> list[Tree]:
    """The expressions of a line."""
    if isinstance(statement, Declaration | Define):
        return []
    if isinstance(statement, Binding):
        return [] if isinstance(statement.target, Call) else [statement.value]
    if isinstance(statement, Param):
        defaults = [i.value if isinstance(i, Keyword) else None for i in statement.items]
        return [part for part in (*defaults, statement.initial) if part is not None]
    return [statement.value] if isinstance(statement, Value) else [statement]


def _call_parts(tree: Call) -> tuple[Name | None, list[Tree]]:
    """The name that is called, and the expressions below a call."""
    function = tree.function
    name = function.target if isinstance(function, Index) else function
    below = [_item_value(item) for item in (*tree.arguments, *tree.options)]
    if not isinstance(name, Name):
        return None, [function, *below]
    if name.name == "random":
        return name, below[1:] if len(below) == 3 else below
    if name.name == "repeat" and tree.arguments:
        return name, [Call(tree.start, tree.end, tree.arguments[0], (), ()), *below[1:]]
    return name, below


def _index_parts(tree: Index) -> list[Tree]:
    """The expressions below an index: not the axes of `size[k]` and `position[k]`."""
    target = tree.target
    if isinstance(target, Name) and not target.quoted and target.name in ("size", "position"):
        return []
    return [target, *(_item_value(item) for item in tree.items)]


def _item_value(item: Tree) -> Tree:
    if isinstance(item, Keyword):
        return item.value
    return item.target if isinstance(item, Typed) else item
