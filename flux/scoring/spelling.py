r"""How a scoring text spells columns and categories: in ASCII, without texts in the language.

Between backticks or quotes any printable character may stand. Before the language reads the text,
every one that is not ASCII becomes its number, `\u{F6}`, and a category `"F"` becomes the name
`` `"F"` ``: so `sex == "F"` is a comparison of two names, and what compares them is a column of
truth values that is made from the table (see `flux.scoring.formulas`). Nothing is normalised.
Errors show the text as its author wrote it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flux.errors import FluxError
from flux.source import Source, Span

_PARTS = re.compile(r"#[^\n]*|`[^`\n]*`|\"[^\"\n]*\"")
_NUMBER = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}")
_LAST = 0x10FFFF


def in_ascii(text: str) -> str:
    """A scoring text as the language reads it; line ends stay where they are."""
    return _PARTS.sub(lambda found: _part(found.group()), text)


def _part(part: str) -> str:
    if part.startswith("#"):
        return "".join(c if c.isascii() else "?" for c in part)
    inner = "".join(map(_spelled, part[1:-1]))
    return f"`{inner}`" if part.startswith("`") else f'`"{inner}"`'


def _spelled(character: str) -> str:
    plain = " " <= character <= "~" and character != "`"
    return character if plain else f"\\u{{{ord(character):X}}}"


@dataclass(frozen=True)
class Respelling:
    """A scoring text as it was written, for errors in what the language reads in its place."""

    written: Source

    @property
    def read(self) -> Source:
        """What the language reads."""
        return Source(in_ascii(self.written.text), self.written.name)

    def restated(self, error: FluxError) -> FluxError:
        """An error, and those found after it, in the words and at the places of the author."""
        parts = [(found.start(), found.group()) for found in _PARTS.finditer(self.written.text)]
        places = _Places(self.read, self.written, parts)
        words = {_part(part): part for _, part in parts if part.startswith('"')}
        found = [_restated(each, places, words) for each in error.errors]
        found[0].errors = tuple(found)
        return found[0]


class _Places:
    """Where characters of one text stand in another, of which parts have other lengths."""

    def __init__(self, read: Source, written: Source, parts: Iterable[tuple[int, str]]) -> None:
        self._read, self._written = read, written
        self._ends = [(0, 0)]  # of parts, in both texts: what follows stands as far behind them
        for start, part in parts:
            before, after = self._ends[-1]
            end = before + start - after + len(_part(part))
            self._ends.append((end, start + len(part)))

    def moved(self, span: Span) -> Span:
        """The place in the text that was written, of one in the text that was read."""
        if span.source != self._read:
            return span
        return Span(self._written, self._offset(span.start), self._offset(span.end))

    def _offset(self, offset: int) -> int:
        before, after = self._ends[bisect_right(self._ends, offset, key=lambda ends: ends[0]) - 1]
        return after + offset - before


def _restated(error: FluxError, places: _Places, words: Mapping[str, str]) -> FluxError:
    def own(text: str) -> str:
        for read, written in words.items():
            text = text.replace(read, written)
        return text

    spans = [places.moved(span) for span in error.spans]
    hint = (_hint(spans[0].text) if spans else "") or own(error.hint)
    return type(error)(own(error.text), spans, hint, [own(note) for note in error.notes])


def _hint(found: str) -> str:
    """What to do about a character that the language has not."""
    if found in _QUOTES:
        return 'a text stands in double quotes on one line: `column == "text"`'
    stray = len(found) == 1 and found.isalpha() and not found.isascii()
    return "a column with such a name stands in backticks" if stray else ""


_QUOTES = frozenset("\"'\u2018\u2019\u201c\u201d\u201e\xab\xbb")


def spelled(name: str) -> str:
    """A column's name as a text spells it between backticks."""
    return "".join(map(_spelled, name.replace("\\u{", "\\u{5C}u{")))


def meant(name: str) -> str:
    """The column's name, or the category, that a spelling means."""
    return _NUMBER.sub(_character, name)


def _character(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    return chr(number) if number <= _LAST else found.group()


def is_category(name: str) -> bool:
    """Whether a name of the language stands for a category."""
    return len(name) > 1 and name[0] == name[-1] == '"'


def category(name: str) -> str:
    """The category that a name stands for."""
    return meant(name[1:-1])
