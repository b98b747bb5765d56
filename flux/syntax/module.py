"""Modules: the definitions of a text or file, on top of the standard library.

The library's files are texts in `flux/library`; one is read when a name is first looked for in it,
and a definition's body is elaborated when it is called.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from flux.errors import ArgumentError, FluxError, ParseError, UnknownNameError, did_you_mean
from flux.settings import current
from flux.source import Source
from flux.syntax.check import check_definition, raise_together
from flux.syntax.definitions import Definition, Lookup, define
from flux.syntax.derivative import check_derivatives
from flux.syntax.read import read
from flux.syntax.tree import Binding, Call, Define, Text, Tree, Value

_LIBRARY = Path(__file__).parent.parent / "library"


class Namespace(Mapping[str, Definition]):
    """The definitions of one text, over those of an outer namespace.

    Attributes:
        errors: mistakes in headers; those definitions are left out.
    """

    def __init__(self, text: Text, statements: Sequence[Tree], outer: Lookup | None) -> None:
        self.text = text
        self._outer = outer
        self._own: dict[str, Definition] = {}
        found = [tree for tree in map(as_definition, statements) if tree is not None]
        self.errors: list[FluxError] = []
        for tree in sorted(found, key=_is_derivative):
            try:
                (self._add_derivative if _is_derivative(tree) else self._add)(tree)
            except FluxError as error:
                self.errors.append(error)

    def _add(self, tree: Define) -> None:
        made = define(self.text, tree, self)
        if made.name in self._own:
            places = (made.span, self._own[made.name].span)
            raise ParseError(f"`{made.name}` is defined twice", places)
        self._own[made.name] = made

    def _add_derivative(self, tree: Define) -> None:
        made = define(self.text, tree, self)
        target = self._own.get(made.name)
        if target is None or target.kind != "function":
            text = f"there is no function `{made.name}` beside its derivative"
            raise ParseError(text, (made.span,), did_you_mean(made.name, list(self._own)))
        if len(made.formals) != len(target.formals):
            places = (made.span, target.span)
            raise ArgumentError(f"`{made.name}` and its derivative take other arguments", places)
        formal = target.formals[_position(made)].name
        if formal in target.derivatives:
            text = f"the derivative of `{made.name}` by {formal} is defined twice"
            raise ParseError(text, (made.span, target.derivatives[formal].span))
        target.derivatives[formal] = define(self.text, _without_options(tree), self)

    def find(self, name: str) -> Definition | None:
        """The definition of that name here or further out."""
        found = self._own.get(name)
        if found is None and self._outer is not None:
            return self._outer.find(name)
        return found

    def own(self, name: str) -> Definition | None:
        """The definition of that name here."""
        return self._own.get(name)

    def names(self) -> Sequence[str]:
        """Every name that `find` knows."""
        return [*self._own, *(self._outer.names() if self._outer else ())]

    def defines(self, name: str) -> bool:
        """Whether this text defines that name."""
        return name in self._own

    def __getitem__(self, name: str) -> Definition:
        return self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def _position(derivative: Definition) -> int:
    """By which of its arguments a derivative is."""
    names = [formal.name for formal in derivative.formals]
    by = [option.name for option in derivative.options] or names
    if len(by) != 1 or by[0] not in names:
        hint = "such as `derivative f(x, y; y) = ...` for the derivative by y"
        raise ArgumentError("say by which argument", (derivative.span,), hint)
    return names.index(by[0])


def _is_derivative(tree: Define) -> bool:
    return tree.word == "derivative"


def as_definition(statement: Tree) -> Define | None:
    """The definition that a line is; a binding whose target is a call is one."""
    if isinstance(statement, Define):
        return statement
    if not isinstance(statement, Binding) or not isinstance(statement.target, Call):
        return None
    value = statement.value
    body = (Value(value.start, value.end, value),)
    return Define(statement.start, statement.end, "function", statement.target, None, body)


def _without_options(tree: Define) -> Define:
    header = tree.header
    assert isinstance(header, Call)
    bare = Call(header.start, header.end, header.function, header.arguments, ())
    return Define(tree.start, tree.end, "function", bare, tree.result, tree.body)


class Library:
    """The standard library: `standard.flux` first, then the other files in order of their names.

    The published formulas stand last.

    Attributes:
        sources: the texts of its files.
    """

    def __init__(self) -> None:
        files = sorted(
            _LIBRARY.glob("*.flux"), key=lambda file: (file.stem != "standard", file.stem)
        )
        files += sorted((_LIBRARY / "formulas").glob("*.flux"))
        self.sources = [
            Source(
                file.read_text(encoding="ascii"),
                f"<library>/{file.relative_to(_LIBRARY).as_posix()}",
            )
            for file in files
        ]
        self._read: list[Namespace] = []
        self._whole: Mapping[str, Definition] | None = None  # once every file is read
        self._lock = threading.RLock()

    def find(self, name: str) -> Definition | None:
        """The definition of that name; files are read until one has it."""
        if self._whole is not None:
            return self._whole.get(name)
        for namespace in self._files():
            found = namespace.own(name)
            if found is not None:
                return found
        self._whole = {name: own for each in self._read[::-1] for name, own in each.items()}
        return None

    def _files(self) -> Iterator[Namespace]:
        for i, source in enumerate(self.sources):
            if i == len(self._read):
                self._read_next(i, source)
            yield self._read[i]

    def _read_next(self, i: int, source: Source) -> None:
        with self._lock:
            if i == len(self._read):  # no other thread was quicker
                text = read(source)
                self._read.append(Namespace(text, text.statements, self))

    def defines(self, name: str) -> bool:
        """The library is no text of its own: its names are free for values."""
        return False

    def names(self) -> Sequence[str]:
        """The names of every definition of every file."""
        return [name for namespace in self._files() for name in namespace]


LIBRARY = Library()


class Module(Mapping[str, Definition]):
    """The definitions of a text, by name; the standard library's stand behind them.

    `module["gpt"].build(layers=2)` gives the graph of a layer or model, and
    `module["softmax"](x, axes={"i": "v"})` the expression of a function of expressions. Iterating
    gives the names of the text's own definitions.

    Attributes:
        text: the syntax tree.
        functions, layers, models: the text's own definitions of each kind, by name.

    Raises:
        FluxError: mistakes in the text, up to 20 at once.
        UnknownNameError: on looking up a name that neither the text nor the library defines.
    """

    def __init__(self, text: Text) -> None:
        self.text = text
        _check_statements(text)
        self._namespace = Namespace(text, text.statements, LIBRARY)
        bodies = (error for made in self._namespace.values() for error in _check(made))
        raise_together([*self._namespace.errors, *islice(bodies, current().max_errors)])

    def __getitem__(self, name: str) -> Definition:
        found = self._namespace.find(name)
        if found is None:
            text = f"{self.text.source.name} defines no `{name}`"
            raise UnknownNameError(text, hint=did_you_mean(str(name), self._namespace.names()))
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._namespace.find(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """The definition of that name, or the default."""
        found = self._namespace.find(name)
        return default if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._namespace)

    def __len__(self) -> int:
        return len(self._namespace)

    @property
    def functions(self) -> Mapping[str, Definition]:
        """The functions, by name."""
        return self._of("function")

    @property
    def layers(self) -> Mapping[str, Definition]:
        """The layers, by name."""
        return self._of("layer")

    @property
    def models(self) -> Mapping[str, Definition]:
        """The models, by name."""
        return self._of("model")

    def _of(self, kind: str) -> dict[str, Definition]:
        return {name: made for name, made in self._namespace.items() if made.kind == kind}

    def __repr__(self) -> str:
        return f"Module({self.text.source.name}: {', '.join(self)})"


def _check(definition: Definition) -> list[FluxError]:
    """The mistakes of a body that show before it is elaborated, and of its derivatives."""
    try:
        bodies = (definition, *definition.derivatives.values())
        names = [error for body in bodies for error in check_definition(body)]
        return names or list(check_derivatives(definition))
    except FluxError as error:
        return [error]


def _check_statements(text: Text) -> None:
    """A file of definitions holds nothing else."""
    for statement in text.statements:
        if as_definition(statement) is None:
            raise ParseError(
                "a file of definitions holds definitions only",
                (text.span(statement),),
                hint="formulas are read by flux.parse",
            )
