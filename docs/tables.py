"""The parts of the pages that code makes: tables of rules, instructions, settings and commands.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. Run `python docs/tables.py` to
write all of them; the tests compare. What would only repeat docstrings and help texts stands as
`<!-- built: NAME -->`, and is put in when the documentation is built.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

import flux
from flux.calculus.equal import Equality
from flux.calculus.partials import CONVENTIONS, GUARDS, PARTIALS
from flux.calculus.rules import RULES
from flux.cli.commands import COMMANDS
from flux.cli.commands import flux as command_line
from flux.expr import Expr
from flux.formulas import Formula, Quantity
from flux.formulas import list as list_formulas
from flux.formulas.show import example_text, unit_text
from flux.ops import Op
from flux.program.opcodes import OPCODES, Family, Row
from flux.settings import Settings
from flux.syntax import Definition, Graph, Parameter

_PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


_BUILT = re.compile(r"^<!-- built: (\S+) -->$", re.MULTILINE)


def renewed(text: str) -> str:
    """The text of a page with its generated parts as they should be."""
    return _PART.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)


def built(text: str) -> str:
    """The text of a page with all that the build puts in."""
    return _BUILT.sub(lambda found: TABLES[found[1]](), text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: object) -> str:
    shown = str(text).replace("|", r"\|")
    return f"`{shown}`" if shown else ""


# Calculus.


def partials() -> str:
    """Derivative rules: a row for each pointwise operation."""
    return _table(
        ("y", "by a", "by b", "by c"),
        [(_code(_call(op)), *_partial_cells(row)) for op, row in PARTIALS.items()],
    )


def _call(op: Op) -> str:
    names = ("a", "b", "c")[: op.row.arity]
    symbol = _SYMBOLS.get(op)
    return symbol.format(*names) if symbol else f"{op.row.name}({', '.join(names)})"


_SYMBOLS = {
    Op.NEG: "-{}",
    Op.ADD: "{} + {}",
    Op.SUB: "{} - {}",
    Op.MUL: "{}*{}",
    Op.DIV: "{}/{}",
    Op.POW: "{}^{}",
    Op.MOD: "{} % {}",
    Op.LT: "{} < {}",
    Op.LE: "{} <= {}",
    Op.GT: "{} > {}",
    Op.GE: "{} >= {}",
    Op.EQ: "{} == {}",
    Op.NE: "{} != {}",
    Op.AND: "{} and {}",
    Op.OR: "{} or {}",
    Op.NOT: "not {}",
}


def _partial_cells(row: Sequence[Expr | None]) -> list[str]:
    cells = ["0" if partial is None else _code(_line(partial)) for partial in row]
    return [*cells, *[""] * (3 - len(cells))]


def _line(e: Expr) -> str:
    """An expression on one line; the parts that it shares are put in their places."""
    *bindings, value = str(e).splitlines()
    for binding in reversed(bindings):
        name, _, part = binding.partition(" = ")
        value = value.replace(name, f"({part})")
    return value


def guards() -> str:
    """Where an operand counts at all."""
    return _table(
        ("y", "a counts where", "b counts where", "c counts where"),
        [(_code(_call(op)), *_guard_cells(row)) for op, row in GUARDS.items()],
    )


def _guard_cells(row: Sequence[Expr | None]) -> list[str]:
    cells = ["" if guard is None else _code(guard) for guard in row]
    return [*cells, *[""] * (3 - len(cells))]


def conventions() -> str:
    """The values of derivatives where mathematics leaves a choice."""
    return _table(
        ("y", "at", "derivative", "why"),
        [(_code(_call(c.op)), _numbers(c.at), _numbers(c.partials), c.source) for c in CONVENTIONS],
    )


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def rules() -> str:
    """The rewriting rules of `simplify`."""
    return _table(
        ("rule", "from", "to", "bit for bit", "on a condition"),
        [
            (
                rule.name,
                _code(rule.pattern),
                _code(rule.replacement),
                "yes" if rule.exact else "",
                "yes" if rule.when else "",
            )
            for rule in RULES
        ],
    )


# The Program.


def opcodes() -> str:
    """The instruction set; opcodes that are alike share a row."""
    alike: dict[Row, list[str]] = {}
    for name, row in OPCODES.items():
        alike.setdefault(row, []).append(name)
    order = list(Family)
    return _table(
        ("opcodes", "family", "operands", "types", "FLOPs an element"),
        [
            (
                " ".join(map(_code, names)),
                row.family.value,
                "any" if row.arity < 0 else str(row.arity),
                row.types.value,
                str(row.flops),
            )
            for row, names in sorted(alike.items(), key=lambda pair: order.index(pair[0].family))
        ],
    )


# Settings, commands, names.


def settings() -> str:
    """Every setting."""
    meanings = _attributes(inspect.getdoc(Settings) or "")
    return _table(
        ("setting", "environment", "default", "meaning"),
        [
            (
                _code(field.name),
                _code(f"FLUX_{field.name.upper()}"),
                _code(field.default),
                meanings[field.name],
            )
            for field in fields(Settings)
        ],
    )


def _attributes(document: str) -> dict[str, str]:
    """The rows of a docstring's section Attributes."""
    _, _, section = document.partition("Attributes:\n")
    return dict(re.findall(r"^ +(\w+): (.*)$", section, re.MULTILINE))


def commands() -> str:
    """The help of every command."""
    root = click.Context(command_line, info_name="flux", **_HELP)
    pages = [root]
    for name in COMMANDS:
        command = command_line.get_command(root, name)
        assert command is not None
        pages.append(click.Context(command, parent=root, info_name=name, **_HELP))
    return "\n\n".join(f"## {c.command_path}\n\n```text\n{c.get_help()}\n```" for c in pages)


_HELP: Mapping[str, Any] = {
    "terminal_width": 88,
    "max_content_width": 88,
    "help_option_names": ["-h", "--help"],
}


# Formulas.


def formulas() -> str:
    """Every formula of the library, by topic."""
    found = list_formulas()
    topics = dict.fromkeys(formula.topic for formula in found)
    parts = []
    for topic in topics:
        parts.append(f"## {topic.capitalize()}")
        parts.extend(_formula(formula) for formula in found if formula.topic == topic)
    return "\n\n".join(parts)


def _formula(formula: Formula) -> str:
    card = formula.card
    rows = [_quantity("result", card.result), *(_quantity(_code(q.name), q) for q in card.inputs)]
    shown = next((e for e in card.examples if e.is_published), card.examples[0])
    lines = [f"Source: {_prose(card.source)}", f"Checked: {_prose(card.checked)}"]
    if card.kinks:
        lines.append(f"Without a derivative where {' or '.join(map(_code, card.kinks))}.")
    lines.append(f"Example: {_code(example_text(shown))} ({_prose(shown.by)}).")
    return "\n\n".join(
        [
            f"### {card.name}",
            _prose(f"{card.title}. {card.text}".strip()),
            f"```{{math}}\n{formula.to_latex()}\n```",
            _table(("", "unit", "valid", "meaning"), rows),
            "<br>\n".join(lines),
        ]
    )


def _quantity(label: str, quantity: Quantity) -> tuple[str, str, str, str]:
    also = f" ({', '.join(quantity.equivalents)})" if quantity.equivalents else ""
    unit = _prose(unit_text(quantity) + also)
    return label, unit, _prose(quantity.valid_marked), _prose(quantity.meaning)


def _prose(text: str) -> str:
    """A text in which no character is a mark of Markdown."""
    return re.sub(r"([*_`<|\[\]])", r"\\\1", text)


def names() -> str:
    """The public names, and what they give: signatures and docstrings."""
    public = [(f"flux.{name}", getattr(flux, name)) for name in flux.__all__ if name[0] != "_"]
    library = [(f"flux.formulas.{name}", getattr(flux.formulas, name)) for name in _LIBRARY]
    given = [(kind.__name__, kind) for kind in (Definition, Graph, Parameter, Equality)]
    return "\n\n".join(_entry(title, value) for title, value in (*public, *library, *given))


_LIBRARY = ("get", "list", "read", "read_cards", "conversion", "Formula", "Card", "Quantity")


def _entry(title: str, value: object) -> str:
    name = title.rpartition(".")[2]
    parts = [f"## {title}", f"```text\n{_signature(name, value)}\n\n{_document(value)}\n```"]
    methods = _public(value) if isinstance(value, type) else {}
    for method, function in methods.items():
        text = f"{_signature(method, function, bound=True)}\n\n{_document(function)}"
        parts.append(f"### {name}.{method}\n\n```text\n{text}\n```")
    return "\n\n".join(parts)


def _public(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: value
        for name, value in vars(kind).items()
        if inspect.isfunction(value)
        and (not name.startswith("_") or name == "__call__")
        and inspect.getdoc(value)
    }


# Their constructors are not for users.
_MADE_BY_OTHERS = (
    *(flux.CompiledFunction, Definition, Equality, Expr, Formula, Graph, flux.Module, Parameter),
)


def _signature(name: str, value: object, bound: bool = False) -> str:
    if value in _MADE_BY_OTHERS:
        return name
    assert callable(value)
    signature = inspect.signature(value)
    parameters = list(signature.parameters.values())[1 if bound else 0 :]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    empty = inspect.Signature.empty
    return f"{name}{signature.replace(parameters=bare, return_annotation=empty)}"


def _document(value: object) -> str:
    return (inspect.getdoc(value) or "").replace("```\n", "\n").replace("```", "")


TABLES: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "conventions": conventions,
    "formulas": formulas,
    "guards": guards,
    "names": names,
    "opcodes": opcodes,
    "partials": partials,
    "rules": rules,
    "settings": settings,
}


def main() -> None:
    """Write the generated parts of every page."""
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(renewed(text), encoding="utf-8")


if __name__ == "__main__":
    main()
