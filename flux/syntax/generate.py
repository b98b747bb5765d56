"""Make flux/syntax/table.json from grammar/flux.lark: `python -m flux.syntax.generate`.

Lark checks that the grammar is LALR(1) without a conflict and computes the table; reading a text
needs neither Lark nor the grammar. The table is JSON: rules, the rows of the states, and the
terminals in the order in which the scanner tries them.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from flux.errors import DataError

_HERE = Path(__file__).parent
_PLACES = (_HERE / "flux.lark", _HERE.parent.parent / "grammar" / "flux.lark")  # wheel, checkout
TABLE = _HERE / "table.json"


def grammar_text() -> str:
    """The grammar: beside this file in a wheel, under `grammar/` in a checkout."""
    for place in _PLACES:
        if place.exists():
            return place.read_text(encoding="ascii")
    raise DataError("the grammar flux.lark is missing from this installation")


def generate(grammar: str) -> dict[str, Any]:
    """The parse table of a grammar, as plain JSON values."""
    from lark import Lark

    lark = Lark(
        grammar,
        start="text",
        parser="lalr",
        lexer="contextual",
        strict=True,
        postlex=_layout_terminals(),
        maybe_placeholders=False,
    )
    table = lark.parser.parser._parse_table  # the only public way to it is a pickle
    rules = {rule: i for i, rule in enumerate(lark.rules)}
    states = _numbered(table.states, table.start_states["text"])
    return {
        "grammar": sha256(grammar.encode("ascii")).hexdigest(),
        "rules": [_rule(rule) for rule in lark.rules],
        "rows": [_row(table.states[state], rules, states) for state in states],
        "accept": states[table.end_states["text"]],
        "terminals": _terminals(lark),
    }


def _layout_terminals() -> Any:
    from lark.indenter import Indenter

    rows = {
        "NL_type": "_NEWLINE",
        "OPEN_PAREN_types": ["LPAR", "LSQB"],
        "CLOSE_PAREN_types": ["RPAR", "RSQB"],
        "INDENT_type": "_INDENT",
        "DEDENT_type": "_DEDENT",
        "tab_len": 8,
    }
    return type("Layout", (Indenter,), rows)()


def _rule(rule: Any) -> list[Any]:
    """`[left-hand side, size, action or null (pass a child on), offsets of the kept children]`."""
    size = len(rule.expansion)
    kept = [i - size for i, symbol in enumerate(rule.expansion) if not _dropped(symbol)]
    named = rule.alias or not rule.options.expand1
    action = (rule.alias or rule.origin.name) if named and rule.alias != "_" else None
    if action is None and len(kept) != 1:
        raise DataError(f"rule {rule} passes on {len(kept)} children; it needs an alias")
    return [rule.origin.name, size, action, kept]


def _dropped(symbol: Any) -> bool:
    return bool(symbol.is_term and symbol.filter_out)


def _numbered(rows: dict[Any, Any], start: Any) -> dict[Any, int]:
    """The states in the order in which they are reached, so that the table is always the same."""
    number = {start: 0}
    queue = [start]
    for state in queue:
        for _, (kind, target) in sorted(rows[state].items(), key=lambda item: item[0]):
            if kind.name == "Shift" and target not in number:
                number[target] = len(number)
                queue.append(target)
    return number


def _row(row: dict[str, Any], rules: dict[Any, int], states: dict[Any, int]) -> dict[str, int]:
    """A shift or goto is the number of the next state; a reduction by rule r is -1 - r."""
    return {
        symbol: states[target] if kind.name == "Shift" else -1 - rules[target]
        for symbol, (kind, target) in sorted(row.items(), key=lambda item: item[0])
    }


def _terminals(lark: Any) -> list[list[str]]:
    """`[name, pattern]`, first match wins: by priority, patterns, then longer literals."""

    def rank(terminal: Any) -> tuple[int, bool, int, str]:
        literal = terminal.pattern.type == "str"
        length = len(terminal.pattern.value) if literal else 0
        return (-terminal.priority, literal, -length, terminal.name)

    found = [t for t in lark.terminals if t.name not in ("_INDENT", "_DEDENT")]
    return [[t.name, t.pattern.to_regexp()] for t in sorted(found, key=rank)]


def render(table: dict[str, Any]) -> str:
    """The table as the text of table.json, one row a line."""
    lines = []
    for key, value in table.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(row, separators=(",", ":")) for row in value)
            lines.append(f" {json.dumps(key)}: [\n  {rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(render(generate(grammar_text())), encoding="ascii")
