r"""Every error that Flux raises.

```
FluxError
├── ParseError          the text is not in the language        (code "syntax")
├── UnknownNameError    a name or function that is not known   (code "name")
├── ArgumentError       wrong number, kind or value of arguments
├── AxisError           axes that do not fit                   (code "axis")
├── ShapeError          sizes that do not fit                  (code "shape")
├── DomainError         an operation outside its domain, or with no finite value
├── LimitError          a documented limit was reached         (it names the setting)
├── NotFoundError       there may be an answer, and it was not found (code "search")
├── ProgramError        a Program that does not verify, or a damaged file of one
└── DataError           a file, table or array that cannot be used
```

An error shows where, what was found, what was expected, and, when known, what to do. They are
caught at the edge (the command line), nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from flux.source import Span, by_line, excerpt, printable

_TEXT_LIMIT = 2_000  # bytes of a rendered message


class FluxError(Exception):
    """The root of every error.

    Args:
        text: what is wrong, one sentence without a full stop.
        spans: the places, the most important one first; empty where there is no source text.
        hint: what to do about it.
        notes: further lines, such as where the other half of a clash was written.

    Attributes:
        text, hint, spans, notes: as given.
        line, column: place of the first span, from 1; 0 where there is none.
        errors: this error, and those found in the same text after it.
    """

    code = "error"

    def __init__(
        self,
        text: str,
        spans: Sequence[Span] = (),
        hint: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(text)
        self.text = text
        self.spans = tuple(spans)
        self.hint = hint
        self.notes = tuple(notes)
        self.errors: tuple[FluxError, ...] = (self,)

    @property
    def line(self) -> int:
        """Line of the first span, from 1; 0 where there is none."""
        return self.spans[0].line if self.spans else 0

    @property
    def column(self) -> int:
        """Column of the first span, from 1; 0 where there is none."""
        return self.spans[0].column if self.spans else 0

    def render(self) -> str:
        """The message with its place, source line, carets, notes and hint."""
        lines = [self._headline()]
        for group in by_line(self.spans):
            if group[0].source is not self.spans[0].source:
                lines.append(f"  in {group[0].source.name}:")
            lines.extend(excerpt(group))
        lines.extend(f"  {note}" for note in self.notes)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(_clip(line) for line in lines)[:_TEXT_LIMIT]

    def _headline(self) -> str:
        kind = f"{self.code} error" if self.code != "error" else "error"
        if not self.spans:
            return f"{kind}: {self.text}"
        return f"{self.spans[0].source.name}:{self.line}:{self.column}: {kind}: {self.text}"

    def __str__(self) -> str:
        return "\n".join(error.render() for error in self.errors)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.text, self.spans, self.hint, self.notes))


def _clip(line: str) -> str:
    shown = printable(line)
    return shown if len(shown) <= 400 else shown[:397] + "..."


class ParseError(FluxError):
    """The text is not in the language."""

    code = "syntax"


class UnknownNameError(FluxError):
    """A name or function that is not known."""

    code = "name"


class ArgumentError(FluxError):
    """A wrong number, kind or value of arguments."""

    code = "argument"


class AxisError(FluxError):
    """Axes that do not fit one another."""

    code = "axis"


class ShapeError(FluxError):
    """Sizes of axes or arrays that do not fit one another."""

    code = "shape"


class DomainError(FluxError):
    """An operation outside its domain, or one whose value is not finite."""

    code = "domain"


class LimitError(FluxError):
    """A documented limit was reached; the text names the setting."""

    code = "limit"


class NotFoundError(FluxError):
    """There may be an answer, such as an antiderivative, and it was not found."""

    code = "search"


class ProgramError(FluxError):
    """A Program that does not verify, or a damaged file of one."""

    code = "program"


class DataError(FluxError):
    """A file, table or array that cannot be used."""

    code = "data"


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word nearest to a misspelt one, or an empty string."""
    lowered = {name.lower(): name for name in reversed(known)}
    if word.lower() in lowered:
        return lowered[word.lower()]
    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else ""


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint that offers the nearest known word, or an empty string."""
    match = nearest(word, known)
    return f"did you mean `{match}`?" if match else ""


def chosen(what: str, value: object, known: Iterable[str]) -> str:
    """A value that has to be one of some names.

    Raises:
        ArgumentError: it is none of them.
    """
    names = list(known)
    if not isinstance(value, str) or value not in names:
        hint = did_you_mean(str(value), names) or f"one of {', '.join(names)}"
        raise ArgumentError(f"no {what} {value!r:.80}", hint=hint)
    return value
