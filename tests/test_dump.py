"""FLUX_DUMP: a stage is printed while compiling, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

import flux
from flux.dump import STAGES
from flux.settings import override

FORMULA = "x^2*sin(y + 0.125)"
SHOWN = {
    "ast": ("call", "name y"),
    "expr": ("x^2*sin(y + 0.125)",),
    "gradient": ("2*x",),
    "program": ("= sin", "total:"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_printed_on_standard_error(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with override(dump=stage):
        e = flux.parse(FORMULA)
        e.gradient(["x"])
        flux.compile(e)(np.zeros(2), np.zeros(2))
    printed = capsys.readouterr()
    assert printed.out == ""
    headings = [line for line in printed.err.splitlines() if line in {f"# {s}" for s in STAGES}]
    assert set(headings) == {f"# {stage}"}
    assert all(part in printed.err for part in SHOWN[stage])


def test_nothing_is_printed_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    flux.compile(flux.parse(FORMULA))(np.zeros(2), np.zeros(2))
    assert capsys.readouterr() == ("", "")
