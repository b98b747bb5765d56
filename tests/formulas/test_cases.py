"""Worked values that were computed elsewhere from the sources' text, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import flux

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["formula"] for case in CASES])
def test_a_formula_gives_the_worked_value(case: dict[str, Any]) -> None:
    found = flux.formulas.get(case["formula"])(case["inputs"])
    assert found == pytest.approx(case["expected"], rel=1e-11)
