"""The language: texts in, expressions out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from flux.errors import ArgumentError
from flux.expr import Expr
from flux.settings import Settings, current
from flux.source import Source
from flux.syntax.elaborate import Block, elaborate
from flux.syntax.graph import Graph, Parameter
from flux.syntax.read import read
from flux.syntax.tree import Text

__all__ = ["Block", "Graph", "Parameter", "Text", "parse", "parse_ast", "parse_block"]


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
    return elaborate(read(Source(text, name)), given).result


def parse_block(text: str, name: str = "<formula>", *, given: Iterable[str] = ()) -> Block:
    """A formula or block with all that its lines bind, and where each expression comes from."""
    _check_text(text)
    return elaborate(read(Source(text, name)), given, origins=True)


def parse_ast(text: str, name: str = "<formula>") -> Text:
    """The syntax tree of a text; `str` of it is an indented listing."""
    _check_text(text)
    return read(Source(text, name))


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise ArgumentError(f"expected a text, not {type(text).__name__}")
