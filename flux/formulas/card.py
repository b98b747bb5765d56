"""Cards: what a formula is, from the comment block above it, and the reader of such blocks.

A card says where a formula comes from, what goes in and comes out, in which units, over which
range, and what others computed with it. The lines below it, ordinary Flux, say how it is computed.

```
# title: Body mass index
# source: Keys A et al. Journal of Chronic Diseases 25 (1972), 329-343.
#   doi:10.1016/0021-9681(72)90027-6
# result bmi [kg/m^2] 5 to 150: body mass index
# input weight [kg] 1 to 500: body weight
# input height [m] 0.4 to 2.6: standing height
# example weight=70, height=1.75 -> 22.9 +- 0.05: World Health Organization, table of BMI
bmi(weight, height) = weight/height^2
```

An end of a range that the source itself states has a star, `age [year] 18* to 120`; the others are
of whoever wrote the card: where the formula ends, or where values are no longer those of a person.

A comment block whose first line is a `title:` is a card, and each of its lines must be one of the
fields below; a line that is indented further continues the one before. Cards need no library:
`read_cards` gives those of any text of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, nextafter

from flux.errors import ParseError, did_you_mean
from flux.formulas.unit_text import read_unit
from flux.source import Source, Span
from flux.syntax import parse_ast
from flux.syntax.definitions import define
from flux.syntax.module import LIBRARY, as_definition
from flux.syntax.tree import Binding, Name, Text, Tree, walk

FLAG = "0 or 1"  # the unit of an input that says yes or no


@dataclass(frozen=True)
class Quantity:
    """A number with a unit: the result of a formula, or one of its inputs.

    Attributes:
        name: the input's name in the formula.
        unit: such as `mg/dL`; `1` for a plain number, `0 or 1` for yes and no.
        low, high: the least and the largest valid value; infinite where there is no bound.
        meaning: one line of text.
        equivalents: what converts it to other dimensions, such as the molar mass `113.12 g/mol`.
        low_of_source, high_of_source: whether the source states that end of the range.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    equivalents: tuple[str, ...] = ()
    low_of_source: bool = False
    high_of_source: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it says yes or no."""
        return self.unit == FLAG

    @property
    def valid(self) -> str:
        """The valid range: `0 to <0.5`."""
        return f"{_bound(self.low, '>', -inf)} to {_bound(self.high, '<', inf)}"

    @property
    def valid_marked(self) -> str:
        """The valid range as a card has it, with a star at an end that the source states."""
        low, high = self.valid.split(" to ")
        return f"{low}{'*' * self.low_of_source} to {high}{'*' * self.high_of_source}"


@dataclass(frozen=True)
class Example:
    """A worked example.

    Attributes:
        values: the inputs, by name.
        expected: the result, in the result's unit.
        tolerance: how far a right implementation may be from it: the digits that were published.
        by: who published it; where nobody did, it starts with `computed`, or with `identity` where
            the value follows from what the formula means.
    """

    values: tuple[tuple[str, float], ...]
    expected: float
    tolerance: float
    by: str

    @property
    def is_published(self) -> bool:
        """Whether the expected value comes from elsewhere."""
        return not self.by.startswith(("computed", "identity"))


@dataclass(frozen=True)
class Card:
    """What a formula is.

    Attributes:
        name: the name of the definition below the card.
        title: one line.
        source: where it was published, with a DOI where there is one.
        result: what comes out.
        inputs: what goes in, in the order of the definition's arguments.
        examples: worked examples.
        text: what else there is to know; may be empty.
        checked: how its numbers were checked against the source; may be empty.
        kinks: equations of the inputs, such as `creatinine = 0.7`, where there is no derivative.
        span: the place of the card in its text.
    """

    name: str
    title: str
    source: str
    result: Quantity
    inputs: tuple[Quantity, ...]
    examples: tuple[Example, ...]
    text: str = ""
    checked: str = ""
    kinks: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    def input(self, name: str) -> Quantity | None:
        """The input of that name."""
        return next((quantity for quantity in self.inputs if quantity.name == name), None)


def read_cards(source: Source | Text | str) -> dict[str, Card]:
    """The cards of a text, by the name of the definition or binding that stands below each.

    Args:
        source: a text of the language, or its syntax tree.

    Raises:
        ParseError: a line of a card that is no field, a field twice or not at all, a card that
            stands above nothing, inputs that are not the definition's arguments; with line and
            column. Mistakes in the text itself are errors too.
    """
    text = _tree(source)
    below = {text.span(tree).line: tree for tree in text.statements}
    found: dict[str, Card] = {}
    for block in _blocks(text.source):
        if _FIELD.match(block[0].text) and block[0].word == "title":
            card = _card(text, block, below.get(block[-1].number + 1))
            if card.name in found:
                raise ParseError(f"`{card.name}` has two cards", (block[0].span,))
            found[card.name] = card
        else:
            _check_no_card(block)
    return found


def _tree(source: Source | Text | str) -> Text:
    if isinstance(source, Text):
        return source
    if isinstance(source, Source):
        return parse_ast(source.text, source.name)
    return parse_ast(source)  # which refuses what is no text


# Lines.


@dataclass(frozen=True)
class _Line:
    """A comment line of a text: its number, its text after the mark, where that begins."""

    source: Source
    number: int
    text: str
    start: int

    @property
    def span(self) -> Span:
        return self.at(0, len(self.text))

    @property
    def word(self) -> str:
        """What kind of field it is."""
        return re.match(r"\w*", self.text)[0]  # type: ignore[index]  # it matches nothing too

    def at(self, start: int, end: int) -> Span:
        """Characters `start` to `end` of the line's text."""
        return Span(self.source, self.start + start, self.start + max(end, start + 1))


def _blocks(source: Source) -> Iterator[list[_Line]]:
    """The blocks of neighbouring comment lines."""
    block: list[_Line] = []
    start = 0
    for number, line in enumerate(source.text.split("\n"), 1):
        bare = line.lstrip(" \t")
        if bare.startswith("#"):
            text = re.sub(r"^[ \t]", "", bare[1:])
            first = start + len(line) - len(text)
            block.append(_Line(source, number, text.rstrip(" \t\r"), first))
        elif block:
            yield block
            block = []
        start += len(line) + 1
    if block:
        yield block


@dataclass(frozen=True)
class _Entry:
    """A field: its line, and its text with the lines that continue it."""

    line: _Line
    word: str
    value: str


_LONGEST = 2000  # characters of a field
_FIELD = re.compile(
    r"(?P<word>title|text|source|checked|kink):\s+(?P<value>\S.*)"
    r"|(?P<named>result|input|example)\s+(?P<rest>\S.*)"
)
_WORDS = ("title", "text", "source", "checked", "kink", "result", "input", "example")
_LOOKS = re.compile(r"(?:result|input)\s+\w+\s*\[|example\s+.*->")


def _check_no_card(block: Sequence[_Line]) -> None:
    """Refuse a comment that is meant as a card and does not begin like one."""
    for line in block:
        if _LOOKS.match(line.text[:_LONGEST]):
            raise ParseError("a card begins with its title", (line.span,), "such as `# title: ...`")


def _entries(block: Sequence[_Line]) -> Iterator[_Entry]:
    """The fields of a card, with the lines that continue them."""
    parts: list[tuple[_Line, list[str]]] = []
    for line in block:
        if line.text.startswith("  ") and parts:
            parts[-1][1].append(line.text.strip())
        else:
            parts.append((line, [line.text]))
    for line, texts in parts:
        text = " ".join(texts)
        if len(text) > _LONGEST:
            raise ParseError(f"a field of more than {_LONGEST} characters", (line.span,))
        found = _FIELD.fullmatch(text)
        if found is None:
            raise ParseError("no field of a card", (line.span,), _field_hint(line))
        yield _Entry(line, found["word"] or found["named"], found["value"] or found["rest"])


def _field_hint(line: _Line) -> str:
    if line.word in _WORDS:
        return _FORMS[line.word]
    return did_you_mean(line.word, _WORDS) or f"a line begins with one of {', '.join(_WORDS)}"


_FORMS: Mapping[str, str] = {
    **{word: f"`{word}: ` and a text" for word in ("title", "text", "source", "checked")},
    "kink": "such as `kink: creatinine = 0.7`",
    "result": "such as `result bmi [kg/m^2] 5 to 150: body mass index`",
    "input": "such as `input age [year] 18 to 120: age`",
    "example": "such as `example weight=70, height=1.75 -> 22.86 +- 0.01: who published it`",
}

# Cards.


def _card(text: Text, block: Sequence[_Line], below: Tree | None) -> Card:
    entries = list(_entries(block))
    name, arguments = _subject(text, block, below)
    result = _quantity(_only(block, entries, "result"))
    inputs = _inputs(block, entries, name, arguments)
    if arguments is None:
        _check_mentioned(text, entries, inputs)
    return Card(
        name=name,
        title=_one(block, entries, "title"),
        source=_one(block, entries, "source"),
        result=result,
        inputs=inputs,
        examples=tuple(_example(e, inputs) for e in entries if e.word == "example"),
        text=_perhaps(entries, "text"),
        checked=_perhaps(entries, "checked"),
        kinks=tuple(entry.value for entry in entries if entry.word == "kink"),
        span=block[0].span.to(block[-1].span),
    )


def _subject(
    text: Text, block: Sequence[_Line], below: Tree | None
) -> tuple[str, tuple[str, ...] | None]:
    """The name of what a card describes, and its arguments; None for those of a binding."""
    definition = as_definition(below) if below is not None else None
    if definition is not None:
        made = define(text, definition, LIBRARY)
        return made.name, tuple(formal.name for formal in made.formals)
    if isinstance(below, Binding) and isinstance(below.target, Name):
        return below.target.name, None  # its inputs are names that the text mentions
    raise ParseError(
        "a card stands directly above a definition, or above a line `name = ...`",
        (block[-1].span,),
    )


def _only(block: Sequence[_Line], entries: Sequence[_Entry], word: str) -> _Entry:
    """The one field of a kind that a card must have."""
    found = [entry for entry in entries if entry.word == word]
    if not found:
        raise ParseError(f"a card without `{word}`", (block[0].span,), _FORMS[word])
    if len(found) > 1:
        raise ParseError(f"`{word}` stands twice in a card", (found[1].line.span,))
    return found[0]


def _one(block: Sequence[_Line], entries: Sequence[_Entry], word: str) -> str:
    return _only(block, entries, word).value


def _perhaps(entries: Sequence[_Entry], word: str) -> str:
    """The texts of all fields of a kind, a line each."""
    return "\n".join(entry.value for entry in entries if entry.word == word)


def _inputs(
    block: Sequence[_Line],
    entries: Sequence[_Entry],
    subject: str,
    arguments: tuple[str, ...] | None,
) -> tuple[Quantity, ...]:
    """The inputs: those of a definition are its arguments, in their order."""
    lines = [entry.line for entry in entries if entry.word == "input"]
    found = tuple(_quantity(entry) for entry in entries if entry.word == "input")
    names = tuple(quantity.name for quantity in found)
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ParseError(f"input `{name}` stands twice", (lines[i].span,))
    if arguments is not None and names != arguments:
        text = f"`{subject}` takes {', '.join(arguments)}; its card has {', '.join(names)}"
        raise ParseError(text, ((lines or block)[0].span,))
    return found


def _check_mentioned(text: Text, entries: Sequence[_Entry], inputs: Sequence[Quantity]) -> None:
    """Refuse an input of a line `name = ...` that no line of the text mentions."""
    mentioned = {tree.name for tree in walk(*text.statements) if isinstance(tree, Name)}
    lines = [entry.line for entry in entries if entry.word == "input"]
    for line, quantity in zip(lines, inputs, strict=True):
        if quantity.name not in mentioned:
            hint = did_you_mean(quantity.name, sorted(mentioned))
            raise ParseError(f"no line has an input `{quantity.name}`", (line.span,), hint)


_REAL = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_QUANTITY = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s+\[(?P<units>[^\]]+)\]\s+"
    rf"(?P<low>>?{_REAL}|-inf)(?P<low_star>\*?)\s+to\s+"
    rf"(?P<high><?{_REAL}|inf)(?P<high_star>\*?):\s+(?P<meaning>\S.*)"
)


_MOST_EQUIVALENTS = 4  # since a conversion tries their products


def _quantity(entry: _Entry) -> Quantity:
    found = _QUANTITY.fullmatch(entry.value)
    if found is None:
        text = f"`{entry.word}` without name, unit, range and meaning"
        raise ParseError(text, (entry.line.span,), _FORMS[entry.word])
    low, high = _end(found["low"]), _end(found["high"])
    if not low < high:
        raise ParseError(f"an empty range, {low:g} to {high:g}", (entry.line.span,))
    unit, *equivalents = (part.strip() for part in found["units"].split(";"))
    if len(equivalents) > _MOST_EQUIVALENTS:
        text = f"{len(equivalents)} equivalents; a unit has at most {_MOST_EQUIVALENTS}"
        raise ParseError(text, (entry.line.span,))
    for text in () if unit == FLAG else (unit, *equivalents):
        _check_unit(entry, text)
    stated = (found["low_star"] == "*", found["high_star"] == "*")
    return Quantity(found["name"], unit, low, high, found["meaning"], tuple(equivalents), *stated)


def _check_unit(entry: _Entry, text: str) -> None:
    try:
        read_unit(text)
    except ParseError as error:
        raise ParseError(f"`{text}`: {error.text}", (entry.line.span,), error.hint) from None


def _end(text: str) -> float:
    """An end of a range; one that is itself outside is the next number inside."""
    if text.startswith(">"):
        return nextafter(float(text[1:]), inf)
    if text.startswith("<"):
        return nextafter(float(text[1:]), -inf)
    return float(text)


def _bound(value: float, mark: str, outward: float) -> str:
    open_end = nextafter(value, outward) if abs(value) < inf else value
    if len(repr(open_end)) + 2 < len(repr(value)):
        return f"{mark}{number_text(open_end)}"
    return number_text(value)


def number_text(value: float) -> str:
    """A number as a card has it, exactly: `70`, `0.05`, `1e9`."""
    short = f"{value:g}"
    if float(short) != value:
        short = repr(value)
    return re.sub(r"e([-+])0?(?=\d)", lambda sign: "e" + sign[1].strip("+"), short)


_EXAMPLE = re.compile(
    rf"(?P<values>.*?)\s*->\s*(?P<expected>{_REAL})\s+\+-\s+(?P<tolerance>(?!-){_REAL}):\s+(?P<by>\S.*)"
)
_VALUE = re.compile(rf"\s*(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>{_REAL})\s*")


def _example(entry: _Entry, inputs: Sequence[Quantity]) -> Example:
    found = _EXAMPLE.fullmatch(entry.value)
    values = [_VALUE.fullmatch(part) for part in found["values"].split(",")] if found else []
    if found is None or None in values:
        text = "an example without values, expected value, tolerance and who published it"
        raise ParseError(text, (entry.line.span,), _FORMS["example"])
    given = tuple((value["name"], float(value["value"])) for value in values if value)
    names, known = [name for name, _ in given], [quantity.name for quantity in inputs]
    if sorted(names) != sorted(known):
        text = f"an example gives {', '.join(names)}; the inputs are {', '.join(known)}"
        raise ParseError(text, (entry.line.span,))
    for quantity in inputs:
        value = dict(given)[quantity.name]
        if not quantity.low <= value <= quantity.high:
            text = f"`{quantity.name}` is {value:g} in an example, outside {quantity.valid}"
            raise ParseError(text, (entry.line.span,))
    return Example(given, float(found["expected"]), float(found["tolerance"]), found["by"])
