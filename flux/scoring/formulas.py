"""A scoring text in, expressions out: the scores, the columns that they read, the roots they need.

A text holds formulas with names, `egfr = ...`, one a line, and definitions among them. Every name
that a line binds is a score, unless it begins with an underscore; a last line without a name is the
score `score`. A text of definitions alone scores each function that no other one calls, its
arguments being columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flux.errors import ArgumentError, FluxError, ParseError, UnknownNameError, did_you_mean
from flux.expr import Expr, inputs, node, topological, variable
from flux.expr.traverse import check_size, rebuild
from flux.ops import Op
from flux.scoring.spelling import Respelling, category, is_category, meant
from flux.scoring.valid import Stated, stated_inputs
from flux.source import Source, Span
from flux.syntax import load_text, parse_ast
from flux.syntax.elaborate import elaborate
from flux.syntax.module import as_definition
from flux.syntax.tree import Binding, Call, Name, Text, Tree, Value, walk

UNNAMED = "score"


@dataclass(frozen=True)
class Truth:
    """An input that is computed from a column of texts.

    Attributes:
        name: the input's name in the expressions.
        column: the column.
        text: the category that it is compared with; None asks whether there is none.
    """

    name: str
    column: str
    text: str | None


@dataclass(frozen=True)
class Search:
    """A line `name = root(equation, unknown, ...)`: one root a row, with a status.

    Attributes:
        name: what the line binds.
        equation: what is 0 at the root.
        unknown: the name that is solved for.
        ends: its start, or the two ends of its bracket.
    """

    name: str
    equation: Expr
    unknown: str
    ends: tuple[Expr, ...]


@dataclass(frozen=True)
class Formulas:
    """What is to be scored.

    Attributes:
        scores: the expressions, by name.
        searches: roots that the scores need or are, each after those that it needs.
        truths: inputs that are computed from columns of texts.
        stated: what cards say of columns.
    """

    scores: Mapping[str, Expr]
    searches: tuple[Search, ...] = ()
    truths: tuple[Truth, ...] = ()
    stated: tuple[Stated, ...] = ()

    def expressions(self) -> list[Expr]:
        """Every expression, those of searches included."""
        parts = [e for search in self.searches for e in (search.equation, *search.ends)]
        return [*parts, *self.scores.values()]

    def numbers(self) -> tuple[str, ...]:
        """The inputs that are columns of numbers, in order of first appearance."""
        made = {truth.name for truth in self.truths} | {s.name for s in self.searches}
        names: dict[str, None] = {}
        for search in self.searches:
            found = inputs(search.equation, *search.ends)
            names |= {n: None for n in _names(found) if n != search.unknown}
        names |= dict.fromkeys(_names(inputs(*self.scores.values())))
        return tuple(name for name in names if name not in made)

    def texts(self) -> tuple[str, ...]:
        """The columns of texts."""
        return tuple(dict.fromkeys(truth.column for truth in self.truths))

    def columns(self) -> tuple[str, ...]:
        """The names of all columns that are read, as the table spells them."""
        return tuple(dict.fromkeys((*map(meant, self.numbers()), *self.texts())))


def _names(leaves: Iterable[Expr]) -> list[str]:
    return [leaf.attributes.name for leaf in leaves]


def asks_missing(e: Expr) -> bool:
    """Whether it is `isnan(x)` of an input, which the library writes x != x."""
    return e.op is Op.NE and e.args[0] is e.args[1] and e.args[0].op is Op.INPUT


def only(formulas: Formulas, names: Iterable[str]) -> Formulas:
    """Some of the scores, with what they need."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in formulas.scores:
            known = list(formulas.scores)
            hint = did_you_mean(name, known) or f"the scores are {', '.join(known[:8])}"
            raise UnknownNameError(f"no formula `{name}`", hint=hint)
    kept: list[Search] = []
    needs = set(_names(inputs(*(formulas.scores[name] for name in wanted))))
    for search in reversed(formulas.searches):
        if search.name in needs:
            kept.insert(0, search)
            needs |= set(_names(inputs(search.equation, *search.ends)))
    scores = {name: formulas.scores[name] for name in wanted}
    truths = tuple(truth for truth in formulas.truths if truth.name in needs)
    return replace(formulas, scores=scores, searches=tuple(kept), truths=truths)


# Reading.


def read_formulas(formulas: Any, name: str = "<formula>") -> Formulas:
    """The formulas of a text, of an expression, or of several by name.

    Raises:
        ArgumentError: there is none, or it is of another kind.
        FluxError: a text is not in the language.
    """
    if isinstance(formulas, Mapping):
        return _several(formulas)
    if isinstance(formulas, Expr):
        return _with_truths({UNNAMED: formulas}, (), (), {})
    if not isinstance(formulas, str):
        kind = type(formulas).__name__
        raise ArgumentError(f"a formula is a text or an expression, not {kind}")
    return _of_text(formulas, name)


def _several(formulas: Mapping[Any, Any]) -> Formulas:
    """Formulas by name: each text has one value, and names of its own."""
    found: dict[str, Formulas] = {}
    for name, formula in formulas.items():
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"the name of a formula is a text, not {name!r}")
        parts = read_formulas(formula, name)
        last = list(parts.scores)[-1]
        if any(search.name != last for search in parts.searches):
            hint = "score that text on its own"
            raise ArgumentError(f"`{name}` needs roots that have names of their own", hint=hint)
        found[name] = only(parts, [last])
    if not found:
        raise ArgumentError("there is no formula to score")
    searches = [
        replace(search, name=name) for name, parts in found.items() for search in parts.searches
    ]
    scores = {
        name: variable(name) if parts.searches else next(iter(parts.scores.values()))
        for name, parts in found.items()
    }
    truths = dict.fromkeys(truth for parts in found.values() for truth in parts.truths)
    stated = tuple(part for parts in found.values() for part in parts.stated)
    return Formulas(scores, tuple(searches), tuple(truths), stated)


def _of_text(text: str, name: str) -> Formulas:
    respelling = Respelling(Source(text, name))
    try:
        return _of_source(respelling.read)
    except FluxError as error:
        raise respelling.restated(error) from None


def _of_source(source: Source) -> Formulas:
    tree = parse_ast(source.text, source.name)
    stated = tuple(stated_inputs(tree))
    if tree.statements and all(as_definition(line) is not None for line in tree.statements):
        return _with_truths(_of_definitions(tree), (), stated, {})
    _check_order(tree)
    kept: list[Tree] = []
    searches: list[Search] = []
    origins: dict[Expr, tuple[Span, ...]] = {}
    for line in tree.statements:
        root = _root(line)
        if root is None:
            kept.append(line)
        else:
            searches.append(_search(tree, kept, *root, origins))
    scores = _values(tree, kept, searches, origins)
    return _with_truths(scores, searches, stated, origins)


def _of_definitions(tree: Text) -> dict[str, Expr]:
    """The functions of a text that none of its others calls, of columns named as arguments."""
    module = load_text(tree.source.text, tree.source.name)
    called = {
        part.function.name
        for line in tree.statements
        for part in walk(*_body(line))
        if isinstance(part, Call) and isinstance(part.function, Name)
    }
    found = {}
    for name, made in module.functions.items():
        plain = not made.axes and all(f.axes is None and not f.kind for f in made.formals)
        if plain and name not in called:
            found[name] = made(*(variable(formal.name) for formal in made.formals))
    if not found:
        hint = "end it with a line such as `score = f(column)`"
        raise ParseError("the text has no formula of columns", (Span(tree.source, 0, 0),), hint)
    return found


def _body(line: Tree) -> tuple[Tree, ...]:
    definition = as_definition(line)
    return definition.body if definition is not None else ()


def _values(
    tree: Text,
    lines: Sequence[Tree],
    searches: Sequence[Search],
    origins: dict[Expr, tuple[Span, ...]],
) -> dict[str, Expr]:
    """What the lines of a text bind, roots among them, in the order of the text."""
    values = {search.name: variable(search.name) for search in searches}
    if any(as_definition(line) is None for line in lines):
        block = elaborate(Text(tree.source, tuple(lines)), origins=True)
        origins |= block.origins
        values |= block.values
        if isinstance(lines[-1], Value):
            values[UNNAMED] = block.result
    _check_bound_once(tree, searches, values)
    order = [_bound(line) for line in tree.statements]
    named = {name: values[name] for name in order if name is not None and name in values}
    shown = {**named, **values}
    scores = {meant(n): e for n, e in shown.items() if not n.startswith("_")}
    check_size(*scores.values())
    if any(e.axes for e in (*scores.values(), *inputs(*scores.values()))):
        name = next(n for n, e in scores.items() if any(part.axes for part in (e, *inputs(e))))
        text = f"`{name}` has named axes: a score is one number for each row"
        raise ParseError(text, (Span(tree.source, 0, 0),), "write it over columns")
    if not scores:
        hint = "names that begin with an underscore are not written"
        raise ParseError("the text has no score", (Span(tree.source, 0, 0),), hint)
    return scores


def _bound(line: Tree) -> str | None:
    """The name that a line binds."""
    if isinstance(line, Binding) and isinstance(line.target, Name):
        return line.target.name
    return None


def _check_bound_once(tree: Text, searches: Sequence[Search], values: Mapping[str, Expr]) -> None:
    seen: set[str] = set()
    for line in tree.statements:
        name = _bound(line)
        if name is not None and name in seen and any(s.name == name for s in searches):
            raise ParseError(f"`{name}` is already bound", (tree.span(line),))
        seen.add(name or "")


# Roots.


def _check_order(tree: Text) -> None:
    """Refuse a root that is used on its own line or before, and one that uses what comes later."""
    roots = [_root(line) for line in tree.statements]
    bound = {name: n for n, line in enumerate(tree.statements) if (name := _bound(line))}
    last = max((n for n, root in enumerate(roots) if root is not None), default=-1)
    for n, (line, root) in enumerate(zip(tree.statements[: last + 1], roots, strict=False)):
        if not isinstance(line, Binding | Value) or as_definition(line) is not None:
            continue
        own = root[1].arguments[1] if root is not None else None
        for part in _used(line.value):
            later = bound.get(part.name, -1)
            hidden = isinstance(own, Name) and own.name == part.name
            if later >= n and not hidden and (root is not None or roots[later] is not None):
                places = (tree.span(tree.statements[later]), tree.span(part))
                text = f"`{part.name}` is used before it is bound"
                raise ParseError(text, places, "give one of the two another name")


def _used(tree: Tree) -> list[Name]:
    """The names in an expression, but those of functions."""
    parts = list(walk(tree))
    functions = {part.function for part in parts if isinstance(part, Call)}
    return [part for part in parts if isinstance(part, Name) and part not in functions]


def _root(line: Tree) -> tuple[str, Call] | None:
    """The name and the call of a line `name = root(...)`."""
    if not isinstance(line, Binding) or not isinstance(line.target, Name):
        return None
    call = line.value
    if not isinstance(call, Call) or not isinstance(call.function, Name):
        return None
    plain = call.function.name == "root" and not call.function.quoted and not call.options
    return (line.target.name, call) if plain and len(call.arguments) in (3, 4) else None


def _search(
    tree: Text,
    before: Sequence[Tree],
    name: str,
    call: Call,
    origins: dict[Expr, tuple[Span, ...]],
) -> Search:
    """The search that a line is; the lines before it may be used in its equation."""

    def value(part: Tree) -> Expr:
        lines = (*before, Value(part.start, part.end, part))
        block = elaborate(Text(tree.source, lines), origins=True)
        origins.update(block.origins)
        return block.result

    equation, unknown, *ends = (value(part) for part in call.arguments)
    place = (tree.span(call.arguments[1]),)
    if unknown.op is not Op.INPUT:
        raise ParseError("a root is sought for a name that nothing binds", place)
    if unknown not in inputs(equation):
        text = f"the equation has no `{unknown.attributes.name}`"
        hint = did_you_mean(unknown.attributes.name, _names(inputs(equation)))
        raise UnknownNameError(text, place, hint)
    for part, end in zip(call.arguments[2:], ends, strict=True):
        if unknown in inputs(end):
            text = f"the start of `{unknown.attributes.name}` depends on it"
            raise ParseError(text, (tree.span(part),))
    return Search(name, equation, unknown.attributes.name, tuple(ends))


# Categories.


def _with_truths(
    scores: Mapping[str, Expr],
    searches: Sequence[Search],
    stated: tuple[Stated, ...],
    origins: Mapping[Expr, tuple[Span, ...]],
) -> Formulas:
    """The formulas with each comparison of a column and a category as an input of its own."""
    plain = Formulas(scores, tuple(searches), (), stated)
    order = topological(plain.expressions())
    compared = {leaf for e in order if (leaf := _compared(e)) is not None}
    truths: dict[str, Truth] = {}
    made: dict[Expr, Expr] = {}
    for e in order:
        truth = _truth(e, compared)
        if truth is None:
            made[e] = rebuild(e, tuple(made[arg] for arg in e.args))
            continue
        truths[truth.name] = truth
        made[e] = variable(truth.name)
        if e.op is Op.NE and truth.text is not None:
            made[e] = node(Op.NOT, (made[e],))
    found = Formulas(
        {name: made[e] for name, e in scores.items()},
        tuple(
            replace(s, equation=made[s.equation], ends=tuple(made[end] for end in s.ends))
            for s in searches
        ),
        tuple(truths.values()),
        stated,
    )
    _check_categories(found, compared, origins)
    return found


def _compared(e: Expr) -> Expr | None:
    """The column that an expression compares with a category."""
    if e.op not in (Op.EQ, Op.NE) or any(arg.op is not Op.INPUT for arg in e.args):
        return None
    categories = [is_category(arg.attributes.name) for arg in e.args]
    if categories == [True, False]:
        return e.args[1]
    return e.args[0] if categories == [False, True] else None


def _truth(e: Expr, compared: set[Expr]) -> Truth | None:
    column = _compared(e)
    if column is not None:
        other = e.args[0] if e.args[1] is column else e.args[1]
        text = category(other.attributes.name)
        name = f"{column.attributes.name} == {other.attributes.name}"
        return Truth(name, meant(column.attributes.name), text)
    if asks_missing(e) and e.args[0] in compared:
        column = e.args[0]
        return Truth(f"isnan({column.attributes.name})", meant(column.attributes.name), None)
    return None


def _check_categories(
    formulas: Formulas, compared: set[Expr], origins: Mapping[Expr, tuple[Span, ...]]
) -> None:
    for leaf in inputs(*formulas.expressions()):
        name = leaf.attributes.name
        if is_category(name):
            text = f"the text {name} is compared with nothing"
            hint = f"a text stands only in a comparison with a column: `column == {name}`"
            raise ParseError(text, origins.get(leaf, ())[:1], hint)
        if leaf in compared:
            text = f"`{name}` is compared with texts, and is used as a number too"
            raise ParseError(text, origins.get(leaf, ())[:1], "use two columns")
