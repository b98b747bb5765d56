"""The language: texts in, expressions out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from flux.dump import dump
from flux.errors import ArgumentError, DataError
from flux.expr import Expr
from flux.settings import Settings, current
from flux.source import Source
from flux.syntax.definitions import Definition
from flux.syntax.elaborate import Block, Equation, elaborate, elaborate_equation
from flux.syntax.graph import Graph, Parameter
from flux.syntax.module import Module
from flux.syntax.read import read
from flux.syntax.tree import Text

__all__ = [
    "Block",
    "Definition",
    "Equation",
    "Graph",
    "Module",
    "Parameter",
    "Text",
    "load",
    "load_text",
    "parse",
    "parse_ast",
    "parse_block",
    "parse_equation",
]


def parse(text: str, name: str = "<formula>", *, given: Iterable[str] = ()) -> Expr:
    """The expression that a formula or block is: the value of its last line.

    Args:
        text: the formula; a last line `y = expr` has the value of `expr`.
        name: what errors call the text.
        given: names that the caller has values for; they shadow the constants `e` and `pi`.

    Raises:
        FluxError: the text is not in the language, or means nothing.
    """
    _check_text(text)
    return _parse(text, name, tuple(given), current())


@lru_cache(maxsize=256)
def _parse(text: str, name: str, given: tuple[str, ...], settings: Settings) -> Expr:
    return elaborate(_read(text, name), given).result


def parse_block(text: str, name: str = "<formula>", *, given: Iterable[str] = ()) -> Block:
    """A formula or block with all that its lines bind, and where each expression comes from."""
    _check_text(text)
    return elaborate(_read(text, name), given, origins=True)


def parse_equation(text: str, name: str = "<equation>", *, given: Iterable[str] = ()) -> Equation:
    """The two sides of `left = right`, after any bindings; without `=`, the right side is 0."""
    _check_text(text)
    return elaborate_equation(_read(text, name), given)


def parse_ast(text: str, name: str = "<formula>") -> Text:
    """The syntax tree of a text; `str` of it is an indented listing."""
    _check_text(text)
    return read(Source(text, name))


def load(path: str | os.PathLike[str]) -> Module:
    """The definitions of a file, on top of the standard library.

    Raises:
        DataError: the file cannot be read.
        FluxError: it is not in the language.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"expected the path of a file, not {type(path).__name__}")
    try:
        with Path(path).open("rb") as file:
            content = file.read(
                4 * current().max_source_bytes + 1
            )  # bytes of one character: 1 to 4
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {os.fspath(path)!r}: {reason}") from None
    # A byte that is not UTF-8 becomes a character that is refused with its place.
    return load_text(content.decode("utf-8", "surrogateescape"), os.fspath(path))


def load_text(text: str, name: str = "<text>") -> Module:
    """The definitions of a text, on top of the standard library."""
    _check_text(text)
    return Module(_read(text, name))


def _read(text: str, name: str) -> Text:
    tree = read(Source(text, name))
    dump("ast", lambda: str(tree))
    return tree


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise ArgumentError(f"expected a text, not {type(text).__name__}")
