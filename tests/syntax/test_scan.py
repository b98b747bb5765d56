"""The scanner finds what the grammar's terminals, tried in their order, find."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest

import flux
from flux.syntax.scan import Scanner
from tests.fuzz.inputs import make

_TERMINALS = json.loads(
    (Path(flux.__file__).parent / "syntax" / "table.json").read_text(encoding="ascii")
)["terminals"]
_SCANNER = Scanner(_TERMINALS)
_ORDER = re.compile("|".join(f"({pattern})" for _, pattern in _TERMINALS) + r"|([\s\S])")
_CHARACTERS = "aAnNxdimlop_01.9eE+-*/%^<>=!&|()[],:;?~`# \t\r\n"


def _found(text: str) -> list[tuple[str, str, int]]:
    matches = _SCANNER.matches(text, 0)
    kinds = (
        (_SCANNER.kinds[m.lastindex] or _SCANNER.signs.get(m[m.lastindex]), m) for m in matches
    )
    return [(kind, m[m.lastindex], m.end()) for kind, m in kinds if kind is not None]


def _in_order(text: str) -> list[tuple[str, str, int]]:
    names = [*(name for name, _ in _TERMINALS), "BAD"]
    kinds = ((names[m.lastindex - 1], m) for m in _ORDER.finditer(text))
    return [(kind, m[0], m.end()) for kind, m in kinds if not kind.startswith("__IGNORE")]


@pytest.mark.parametrize("part", range(4))
def test_tokens_of_random_characters(part: int) -> None:
    rng = Random(f"scan {part}")
    for _ in range(2_000):
        text = "".join(rng.choices(_CHARACTERS, k=rng.randint(0, 30)))
        assert _found(text) == _in_order(text), text


def test_tokens_of_formulas_and_files() -> None:
    texts = [make(5, index).text for index in range(600)]
    library = (Path(flux.__file__).parent / "library").glob("*.flux")
    for text in (*texts, *(file.read_text(encoding="ascii") for file in library)):
        assert _found(text) == _in_order(text)


def test_blanks_at_the_end_are_no_token() -> None:
    assert _found("x" + " \t" * 1_000) == [("NAME", "x", 1)]


def test_every_kind_of_token_is_made() -> None:
    seen = {kind for index in range(4_000) for kind, _, _ in _found(make(6, index).text)}
    names = {name for name, _ in _TERMINALS if not name.startswith("__IGNORE")}
    assert seen == {*names, "BAD"}
