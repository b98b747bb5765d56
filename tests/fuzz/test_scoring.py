"""Random formulas over random tables, in memory and in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.scoring import exercise_scoring

_PART = 60


@pytest.mark.parametrize("part", range(8))
def test_nothing_but_flux_errors_leaves_scoring(part: int, tmp_path: Path) -> None:
    scored = 0
    for index in range(part * _PART, (part + 1) * _PART):
        seed = f"scoring/{index}"
        try:
            scored += exercise_scoring(seed, tmp_path)
        except Exception as error:
            raise AssertionError(f"exercise_scoring({seed!r}, folder)") from error
    assert scored > _PART // 20
