"""Source texts and places in them.

A Source is a text with a name; a Span is a half-open range of characters in it. Syntax trees and
Programs carry spans, and errors turn them into a line, a column and carets.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

_SHOWN_COLUMNS = 120  # a longer source line is cut around the place that matters


@dataclass(frozen=True)
class Source:
    """A text and the name that error messages give it (a path, or `<formula>`)."""

    text: str
    name: str = "<formula>"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, without its end; empty where there is no such line."""
        if not 1 <= number <= len(self._line_starts):
            return ""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a source.

    Where they build an expression of a model, `layer` is the path of the layer that this is for,
    or the model's name: one line of the text serves many.
    """

    source: Source
    start: int
    end: int
    layer: str = field(default="", compare=False)

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of another of the same source."""
        return Span(self.source, min(self.start, other.start), max(self.end, other.end))


def by_line(spans: tuple[Span, ...]) -> list[tuple[Span, ...]]:
    """The spans in groups of one line each, lines in order of first appearance."""
    groups: dict[tuple[int, int], list[Span]] = {}
    for span in spans:
        groups.setdefault((id(span.source), span.line), []).append(span)
    return [tuple(group) for group in groups.values()]


def excerpt(spans: tuple[Span, ...]) -> list[str]:
    """The source line of the first span with carets under every span on that line.

    ```
      3 |     score = sum[k](query * key)
        |                    ^^^^^   ^^^
    ```
    """
    first = spans[0]
    number = first.line
    line = first.source.line(number)
    shift = max(0, first.column - _SHOWN_COLUMNS // 2) if len(line) > _SHOWN_COLUMNS else 0
    shown = printable(line[shift : shift + _SHOWN_COLUMNS])
    carets = [" "] * (len(shown) + 1)
    for span in spans:
        if span.line == number:
            _mark(carets, span, shift)
    label = f"{number:>3}"
    marked = "".join(carets)[:_SHOWN_COLUMNS].rstrip()
    return [f"{label} | {shown}", f"{' ' * len(label)} | {marked}"]


def _mark(carets: list[str], span: Span, shift: int) -> None:
    last = len(carets) - 1
    start = max(0, min(span.column - 1 - shift, last))
    end = span.column - 1 - shift + max(1, span.end - span.start)
    width = max(1, min(end - start, last - start))
    carets[start : start + width] = "^" * width


def printable(text: str) -> str:
    """The text with every character outside printable ASCII replaced, one for one."""
    return "".join(
        character if " " <= character <= "~" else (" " if character == "\t" else "?")
        for character in text
    )
