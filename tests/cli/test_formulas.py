"""`flux formulas`: lists, pages, JSON, and what it says to mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import flux
from flux.cli.entry import run


def _shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["formulas", *arguments]) == 0
    return capsys.readouterr().out


def test_all_formulas_are_listed_by_topic(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys)
    for formula in flux.formulas.list():
        assert f"  {formula.name}  {formula.card.title}\n" in shown
    topics = [line for line in shown.splitlines() if line and not line.startswith(" ")]
    assert topics == sorted(set(topics))


def test_a_page_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys, "egfr_ckd_epi_2021")
    for part in ("CKD-EPI 2021", "0.9938^age", "mg/dL", "0.1 to 40", "doi:10.1056", "kinks:"):
        assert part in shown
    assert re.search(r"age +year +18\* to 120 +age", shown)
    assert "* the source states this end of the valid range; the others are ours" in shown
    assert "creatinine=1.09, age=55, female=0 -> 80 +- 0.5 (National Kidney Foundation" in shown


def test_a_name_that_is_also_a_word_is_the_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert _shown(capsys, "bmi").startswith("bmi: Body mass index")


def test_the_object_of_a_formula_has_the_fields_of_its_card(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = json.loads(_shown(capsys, "logistic4_inverse", "--json"))["result"]
    assert found["name"] == "logistic4_inverse"
    assert found["output"]["high"] == "inf"
    assert found["kinks"] == ["response = top"]
    assert found["inputs"][3]["unit"] == "umol/L"
    assert len(found["examples"]) >= 2
    age = json.loads(_shown(capsys, "egfr_ckd_epi_2021", "--json"))["result"]["inputs"][1]
    assert (age["low"], age["low_of_source"], age["high_of_source"]) == (18, True, False)
    found = json.loads(_shown(capsys, "kosambi", "--json"))["result"]
    assert [one["name"] for one in found] == ["kosambi_distance", "kosambi_recombination"]


@pytest.mark.parametrize("height", ["180cm", "180 cm", "1.8e2cm", "9/5", "1.8", "1800e-1 cm"])
def test_a_value_may_carry_its_unit(capsys: pytest.CaptureFixture[str], height: str) -> None:
    shown = _shown(capsys, "bmi", "weight=80000g", f"height={height}")
    assert float(shown.removesuffix(" kg/m^2\n")) == pytest.approx(80 / 1.8**2, rel=1e-14)


def test_latex_of_several_formulas_stands_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert _shown(capsys, "kosambi", "--latex").count("\n\n") == 1


WRONG = [
    (["bmmi"], 1, "did you mean `bmi`?"),
    (["nothing of the kind"], 1, "the topics are blood gas, "),
    (["kidny"], 1, "did you mean `kidney`?"),
    (["bmmi", "weight=80", "height=2"], 1, "did you mean `bmi`?"),
    (["bmi", "weight=80"], 1, "no value for `height`"),
    (["bmi", "weight=80", "hight=2"], 1, "did you mean `height`?"),
    (["bmi", "weight=80", "height=180"], 1, "outside the range"),
    (["bmi", "weight=80", "height=180", "--units", "height=kg"], 1, "no such quantity"),
    (["bmi", "weight=80", "height=180", "--units", "height"], 2, "expected NAME=VALUE"),
    (["bmi", "weight=80", "height=2", "--unit", "year"], 1, "no such quantity"),
    (["bmi", "weight=80kg", "height=180s"], 1, "[time] is not [length]"),
    (["bmi", "weight=80kg", "height=180parsnip"], 1, "no unit `parsnip`"),
    (["bmi", "weight=80", "height=180cm", "--units", "height=m"], 2, "height has a unit, cm"),
    (["bmi", "weight=80", "height=2", "--latex"], 2, "ask for one"),
    (["bmi", "--check", "--latex"], 2, "ask for one"),
    (["bmi", "bsa", "weight=80"], 2, "values go with the name of one formula"),
    (["weight=80"], 2, "values go with the name of one formula"),
    (["bmi", "weight=", "height=2"], 1, "syntax error"),
    (["--file", "none.flux"], 1, "cannot read 'none.flux'"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG)
def test_a_mistake_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(["formulas", *arguments]) == code
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


MINE = """\
# title: Twice
# source: mine
# result y [m] 0 to 20: twice x
# input x [m] 0 to 10: x
# example x=1 -> 2 +- 0: by hand
# example x=2 -> 5 +- 0.5: by hand, and wrong
twice(x) = 2*x
"""


def test_a_file_of_ones_own_is_shown_computed_and_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.flux"
    file.write_text(MINE)
    of = ("--file", str(file))
    assert _shown(capsys, *of).split() == ["twice", "Twice"]
    assert _shown(capsys, *of, "twice").startswith("twice: Twice")
    assert _shown(capsys, *of, "twice", "x=300", "--units", "x=cm") == "6 m\n"
    assert run(["formulas", *of, "--check"]) == 1
    assert capsys.readouterr().out == (
        "twice: x=2 gives 4.0, not 5.0\n1 of 2 worked examples come out\n"
    )
    assert run(["formulas", *of, "thrice"]) == 1
    assert "did you mean `twice`?" in capsys.readouterr().err


def test_an_input_may_have_the_name_of_an_option(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.flux").write_text(MINE.replace("input x", "input unit").replace(
        "example x", "example unit").replace("twice(x) = 2*x", "twice(unit) = 2*unit"))  # fmt: skip
    assert _shown(capsys, "--file", str(tmp_path / "mine.flux"), "twice", "unit=3") == "6 m\n"


def test_a_file_without_cards_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.flux").write_text("f(x) = x\n")
    of = ("--file", str(tmp_path / "mine.flux"))
    assert _shown(capsys, *of) == "there is no card in the text\n"
    assert json.loads(_shown(capsys, *of, "--json"))["result"] == []
    assert run(["formulas", *of, "f"]) == 1
    assert "there is no card in the text" in capsys.readouterr().err


def test_an_error_of_a_card_has_its_file_and_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.flux"
    file.write_text(MINE.replace("# source: mine\n", ""))
    assert run(["formulas", "--file", str(file)]) == 1
    assert f"{file}:1:3: syntax error: a card without `source`" in capsys.readouterr().err


def test_the_examples_of_the_library_come_out(capsys: pytest.CaptureFixture[str]) -> None:
    count = sum(len(formula.card.examples) for formula in flux.formulas.list())
    assert _shown(capsys, "--check") == f"{count} of {count} worked examples come out\n"
