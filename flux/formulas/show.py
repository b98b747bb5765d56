"""A formula as people read it: a page of text, and LaTeX.

LaTeX follows the lines of the definition, so that a page shows the names that its author gave to
the parts; where a line cannot stand alone, the whole expression is printed instead.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from flux.errors import FluxError
from flux.expr import variable
from flux.formulas.card import Card, Example, Quantity, number_text
from flux.syntax import Definition, parse
from flux.syntax.module import LIBRARY
from flux.syntax.tree import Binding, Call, Index, Name, Tree, Value, walk

_WIDTH = 88


def definition_text(definition: Definition) -> str:
    """The definition as it is written, below those that only it uses."""
    parts = [*_own_parts(definition), definition]
    return "\n\n".join(d.text.span(d.tree).text.rstrip() for d in parts)


def page(card: Card, definition: Definition) -> str:
    """All that a card says, with the definition."""
    parts = [
        f"{card.name}: {card.title}",
        *([_filled(card.text)] if card.text else []),
        textwrap.indent(definition_text(definition), "  "),
        "\n".join(_quantities(card)),
        _filled(card.source, "source: "),
        *([_filled(card.checked, "checked: ")] if card.checked else []),
        *(["kinks: " + "; ".join(card.kinks)] if card.kinks else []),
        "\n".join(["examples:", *(f"  {example_text(e)} ({e.by})" for e in card.examples)]),
    ]
    return "\n\n".join(parts)


def _filled(text: str, label: str = "") -> str:
    lines = [textwrap.fill(line, _WIDTH, subsequent_indent="  ") for line in text.splitlines()]
    return label + "\n".join(lines)


def _quantities(card: Card) -> Iterator[str]:
    quantities = (*card.inputs, card.result)
    rows = [(q.name, unit_text(q), q.valid_marked, q.meaning) for q in quantities]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for n, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        kind = "input " if n < len(rows) - 1 else "result"
        yield f"  {kind}  {'  '.join(cells)}  {row[3]}"
    if any("*" in row[2] for row in rows):
        yield "  * the source states this end of the valid range; the others are ours"


def unit_text(quantity: Quantity) -> str:
    """The unit, with a word for plain numbers."""
    return "number" if quantity.unit == "1" else quantity.unit


def example_text(example: Example) -> str:
    """A worked example on one line, without who published it."""
    values = ", ".join(f"{name}={number_text(value)}" for name, value in example.values)
    return f"{values} -> {number_text(example.expected)} +- {number_text(example.tolerance)}"


def latex(card: Card, definition: Definition) -> str:
    """The formula as LaTeX, without dollar signs; several lines stand in an `aligned` block."""
    try:
        lines = [
            line
            for part in (*_own_parts(definition), definition)
            for line in _lines(part, [formal.name for formal in part.formals])
        ]
    except FluxError:
        e = definition(*[variable(quantity.name) for quantity in card.inputs])
        names = [quantity.name for quantity in card.inputs]
        return f"{_head(card.name, names)} = {e.to_latex()}"
    if len(lines) == 1:
        return " = ".join(lines[0])
    rows = "\\\\\n".join(f"{left} &= {right}" for left, right in lines)
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _lines(definition: Definition, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The two sides of each line of the body; the last one is the value."""
    for statement in definition.body:
        if isinstance(statement, Binding) and isinstance(statement.target, Name):
            yield _letter(statement.target.name), _side(definition, statement.value)
        elif isinstance(statement, Value):
            yield _head(definition.name, names), _side(definition, statement.value)
        else:
            raise FluxError("a line that is no equation")


def _head(name: str, inputs: Sequence[str]) -> str:
    words = name.replace("_", r"\_")
    return rf"\mathrm{{{words}}}({', '.join(map(_letter, inputs))})"


def _letter(name: str) -> str:
    return variable(name).to_latex()


def _side(definition: Definition, tree: Tree) -> str:
    if isinstance(tree, Call) and _called_name(tree) == "root":
        f, unknown = (_written(definition, part) for part in tree.arguments[:2])
        return rf"{unknown} \text{{ where }} {f} = 0"
    return _written(definition, tree)


def _written(definition: Definition, tree: Tree) -> str:
    """An expression, in which calls of other formulas stand as they are written."""
    whole = definition.text.span(tree)
    pieces, at = [], whole.start
    for call in _formula_calls(definition, tree):
        span = definition.text.span(call)
        pieces.append(f"{whole.source.text[at : span.start]}`{' '.join(span.text.split())}`")
        at = span.end
    pieces.append(whole.source.text[at : whole.end])
    axes = ", ".join(definition.mentions.axes)
    return parse((f"axis {axes}\n" if axes else "") + "".join(pieces)).to_latex()


# The definitions that a definition calls.


def _formula_calls(definition: Definition, *roots: Tree) -> Iterator[Call]:
    """The outermost calls of definitions that are not in the standard library, in order."""
    end = -1
    for tree in walk(*roots):
        if isinstance(tree, Call) and tree.start >= end and _found(definition, tree) is not None:
            end = tree.end
            yield tree


def _found(definition: Definition, call: Call) -> Definition | None:
    made = definition.lookup.find(_called_name(call))
    if made is None or (made.text.source.name in _STANDARD and made.name not in _KNOWN):
        return None
    return made


_KNOWN = ("sigmoid", "logit", "normal_cdf")  # by name to readers; their bodies are for the digits
_STANDARD = {source.name for source in LIBRARY.sources if "/formulas/" not in source.name}


def _called_name(call: Call) -> str:
    function = call.function.target if isinstance(call.function, Index) else call.function
    return function.name if isinstance(function, Name) else ""


def _own_parts(definition: Definition) -> list[Definition]:
    """The definitions of the same text that it calls and that have no card, callees first."""
    found: dict[str, Definition] = {}
    pending = [definition]
    while pending:
        for call in _calls(pending.pop()):
            made = _found(definition, call)
            if made is not None and _is_part(definition, made) and made.name not in found:
                found[made.name] = made
                pending.append(made)
    return [*reversed(found.values())]


def _calls(definition: Definition) -> Iterator[Call]:
    return (tree for tree in walk(*definition.body) if isinstance(tree, Call))


def _is_part(definition: Definition, made: Definition) -> bool:
    same = made.text.source.name == definition.text.source.name
    return same and not made.doc.startswith("title:")
