"""Scoring texts: what is a score, which columns are read, how texts and roots are spelled."""

from __future__ import annotations

import pickle
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, FluxError, ParseError, UnknownNameError
from flux.scoring.depends import Dependence
from flux.scoring.formulas import read_formulas
from flux.scoring.spelling import in_ascii, meant, spelled


@pytest.mark.parametrize(
    ("text", "scores", "columns"),
    [
        ("weight/height^2", ["score"], ["weight", "height"]),
        ("bmi = weight/height^2", ["bmi"], ["weight", "height"]),
        ("bmi = weight/height^2\nhigh = bmi > 30", ["bmi", "high"], ["weight", "height"]),
        ("_r = a/b\ny = _r^2", ["y"], ["a", "b"]),
        ("`body mass` = `weight (kg)`", ["body mass"], ["weight (kg)"]),
        ("f(x) = x^2\ny = f(a) + f(b)", ["y"], ["a", "b"]),
        ("bmi(weight, height) = weight/height^2", ["bmi"], ["weight", "height"]),
        ("r(x) = x/2\nbmi(w, h) = w/r(h)", ["bmi"], ["w", "h"]),
        ('y = where(sex == "F", 1, 2)*age', ["y"], ["age", "sex"]),
        ("y = `größe`*2", ["y"], ["größe"]),
        ("x = root(x^2 - a, x, 0, b)\ny = 2*x", ["x", "y"], ["a", "b"]),
        ("f(c) = 2*c\nc = root(f(x) - a, x, 0, 9)", ["c"], ["a"]),
        ("y = root(max(x, a) - 3, x, 0, 9)\nmax = b\nx = b", ["y", "max", "x"], ["a", "b"]),
        ("# a comment with ö\ny = 2*a", ["y"], ["a"]),
        ("y = 3", ["y"], []),
    ],
)
def test_scores_and_columns_of_a_text(text: str, scores: list[str], columns: list[str]) -> None:
    found = read_formulas(text)
    assert list(found.scores) == scores
    assert list(found.columns()) == columns


def test_formulas_by_name_have_names_of_their_own() -> None:
    scorer = flux.scorer(
        {"a": "k = x + 1\nk^2", "b": flux.parse("x*2"), "c": "y = root(y^3 - x, y, 0, 9)"}
    )
    assert scorer({"x": [1.0, 8.0]})["a"].tolist() == [4, 81]
    assert scorer({"x": [1.0, 8.0]})["b"].tolist() == [2, 16]
    assert scorer({"x": [1.0, 8.0]})["c"] == pytest.approx([1, 2])
    assert scorer.scores == ("a", "b", "c", "c_status")


@pytest.mark.parametrize(
    ("text", "kind", "line", "message"),
    [
        ('a + "F"', ParseError, 1, "compared with nothing"),
        ('"F"', ParseError, 1, "compared with nothing"),
        ('y = "F" == "M"', ParseError, 1, "compared with nothing"),
        ('y = sex < "F"', ParseError, 1, "compared with nothing"),
        ('x = sex + (sex == "F")', ParseError, 1, "used as a number too"),
        ("", ParseError, 1, "no score"),
        ("_a = 1", ParseError, 1, "no score"),
        ("a = 1\na = 2", ParseError, 2, "already bound"),
        ("a = 1\na = root(x^2 - 1, x, 1)", ParseError, 2, "already bound"),
        ("y = root(x^2 - 1, q, 1)", UnknownNameError, 1, "no `q`"),
        ("b = a + 1\ny = root(x - b, b, 1)", ParseError, 2, "nothing binds"),
        ("y = root(x^2 - a, x, x)", ParseError, 1, "depends on it"),
        ("a = root(x^2 - a, x, 0, 9)", ParseError, 1, "`a` is used before it is bound"),
        ("y = root(x - z, x, 0, 9)\nz = root(x - a, x, 0, 9)", ParseError, 2, "before it is bound"),
        ("y = root(x - z, x, 0, 9)\nz = a", ParseError, 2, "`z` is used before it is bound"),
        ("y = 2*z\nz = root(x - a, x, 0, 9)", ParseError, 2, "`z` is used before it is bound"),
        ("input x[t]\ny = 2*x", ParseError, 1, "named axes"),
        ("layer f(x):\n    x", ParseError, 1, "no formula of columns"),
        ("y = open(a)", UnknownNameError, 1, "open"),
        ("y = a.__class__", ParseError, 1, ""),
        ("y = __import__(a)", UnknownNameError, 1, "__import__"),
        ('y = sex == "F', ParseError, 1, ""),
        ("y = größe", ParseError, 1, "U+00F6"),
    ],
)
def test_mistakes_are_shown_with_their_place(
    text: str, kind: type[FluxError], line: int, message: str
) -> None:
    with pytest.raises(kind) as caught:
        read_formulas(text)
    assert caught.value.line == line
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown", "hint"),
    [
        ('y = age + "os"', '  1 | y = age + "os"\n    |           ^^^^', "column =="),
        ('y = (a == "Ü") + (1', '  1 | y = (a == "?") + (1\n    |                  ^', "ends"),
        ("y = `größe`*) + 3", "  1 | y = `gr??e`*) + 3\n    |             ^", "take it out"),
        ('y = f"F"', '1:6: syntax error: found `"F"`,', "multiplication"),
        ('y = "F"f', '  1 | y = "F"f\n    |        ^', "multiplication"),
        ('k = a == "F" # ö\ny = (1', "  2 | y = (1\n    |     ^", "where it ends"),
        ("y = a == 'F'", "  1 | y = a == 'F'\n    |          ^", "double quotes"),
        ('y = a == "F', '  1 | y = a == "F\n    |          ^', "double quotes"),
        ("y = a == “F”", "    |          ^", "double quotes"),
        ("y = größe", "    |       ^", "backticks"),
        ("y = a\u200b", "    |      ^", "ASCII"),
        ('y = root(x - a, x, "F")', "    |                    ^^^", "column =="),
        ('f(x) = x + "K"\ny = f(a)', '  1 | f(x) = x + "K"\n    |            ^^^', "column =="),
    ],
)
def test_mistakes_are_shown_in_the_words_of_the_author(text: str, shown: str, hint: str) -> None:
    with pytest.raises(FluxError) as caught:
        read_formulas(text)
    lines = str(caught.value).split("\n")
    assert shown in "\n".join(lines)
    assert hint in lines[-1]


def test_every_mistake_has_its_own_place() -> None:
    with pytest.raises(UnknownNameError) as caught:
        read_formulas('y = foo(a == "Fü") + nope(1)')
    places = [(error.line, error.column) for error in caught.value.errors]
    assert places == [(1, 5), (1, 22)]


@pytest.mark.parametrize(
    "text",
    [
        'adult(sex, age) = where(sex == "F", age >= 16, age >= 18)',
        'limit(s):\n    k = s == "F"\n    where(k, 16, 18)\nadult = age >= limit(sex)',
        'same(a, b) = a == b\nadult = where(same(sex, "F"), age >= 16, age >= 18)',
    ],
)
def test_definitions_compare_categories(text: str) -> None:
    table = {"sex": ["F", "M", None], "age": [16.0, 16.0, 3.0]}
    assert str(flux.score(table, text)["adult"].tolist()) == "[1.0, 0.0, nan]"


@pytest.mark.parametrize("formulas", [None, 3, [], {}, {3: "a"}, {"": "a"}, b"a", ["a"]])
def test_what_is_no_formula_is_refused(formulas: object) -> None:
    with pytest.raises(ArgumentError):
        flux.scorer(formulas)  # type: ignore[arg-type]


def test_only_some_of_the_scores() -> None:
    text = "a = x\nb = y\nc = root(z^2 - y, z, 0, 9)"
    assert flux.scorer(text, names="a").columns == ("x",)
    assert flux.scorer(text, names=["c", "a"]).scores == ("c", "c_status", "a")
    rooted = flux.score({"y": [4.0]}, text + "\nd = 2*c", names="d")
    assert list(rooted) == ["d"]
    assert rooted["d"] == pytest.approx([4])
    hidden = flux.score({"y": [4.0]}, "_z = root(z^2 - y, z, 0, 9)\nd = 2*_z")
    assert list(hidden) == ["d"]
    with pytest.raises(UnknownNameError, match="no formula `aa`") as caught:
        flux.scorer(text, names="aa")
    assert "`a`" in caught.value.hint


@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20))
def test_any_column_name_can_be_spelled_between_backticks(name: str) -> None:
    scorer = flux.scorer(f"2*`{spelled(name)}`")
    assert scorer.columns == (name,)
    assert scorer({name: [1.0, 2.0]})["score"].tolist() == [2, 4]


@given(st.text(max_size=60))
def test_a_spelling_means_what_it_spells(name: str) -> None:
    assert meant(spelled(name)) == name
    assert spelled(name).isascii()


@given(st.text('ab"`# =\\uö{}1\n', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert in_ascii(text).count("\n") == text.count("\n")
    with suppress(FluxError):
        flux.scorer(text)


@pytest.mark.parametrize(
    "name",
    ["out", "domain", "threads", "backend", "digits", "self", "lambda", "__class__", "v0", "score"],
)
def test_columns_may_have_the_names_of_options_and_of_python(name: str) -> None:
    text = f"y = 2*{name}\nz = root(x - {name}, x, 0, 9)"
    found = flux.score({name: [1.0, 2.0]}, text)
    assert found["y"].tolist() == [2, 4]
    assert found["z"] == pytest.approx([1, 2])


def test_a_text_may_be_empty() -> None:
    assert flux.score({"a": ["", "x"]}, 'y = a == ""')["y"].tolist() == [1, 0]


def test_constants_are_columns_only_in_backticks() -> None:
    assert flux.score({"e": [1.0]}, "y = e")["y"] == pytest.approx([2.718281828])
    assert flux.score({"e": [1.0]}, "y = `e`")["y"].tolist() == [1]


def test_a_file_of_formulas(tmp_path: Path) -> None:
    file = tmp_path / "risk.flux"
    file.write_text("\ufeffhalf(x) = x/2\nrisk = half(age)\n", encoding="utf-8")
    assert flux.score({"age": [50]}, file)["risk"].tolist() == [25]
    file.write_bytes(b"a\0b")
    with pytest.raises(ArgumentError, match="no text"):
        flux.scorer(file)
    with pytest.raises(FluxError, match="cannot read"):
        flux.scorer(tmp_path / "absent.flux")


CARD = """
# title: Body mass index
# source: Keys (1972)
# result bmi [kg/m^2] 5 to 150: body mass index
# input weight [kg] 1 to 500: body weight
# input height [m] 0.4 to 2.6: standing height
bmi(weight, height) = weight/height^2
"""


def test_a_card_states_valid_ranges() -> None:
    table = {"weight": [70.0, 900.0], "height": [1.75, 1.8]}
    found, report = flux.score(table, CARD, flag="outside", report=True)
    assert found["outside"].tolist() == [False, True]
    assert (report.outside["weight"].count, report.outside["weight"].first) == (1, 1)
    assert report.outside["height"].count == 0
    assert flux.scorer(CARD, ranges={"weight": (1, 1000)}).ranges["weight"] == (1, 1000)


def test_a_scorer_says_all_that_it_reads() -> None:
    text = 'k = where(sex == "F", a, `b c`)\nd = root(x^2 - k, x, 0, 9)'
    explained = flux.scorer(text, ranges={"a": (0, 1)}).explain()
    assert explained.split("\n")[:-1] == [
        "reads a, b c, sex",
        'compares sex with "F"',
        "reports a outside 0 to 1",
        'searches d: x where x^2 - where(`sex == "F"`, a, `b c`) is 0',
        "writes k, from a, b c, sex",
        "writes d, from a, b c, sex",
    ]


def test_a_scorer_pickles() -> None:
    text = 'k = where(sex == "F", a, `ä`)\nd = root(x^2 - k, x, 0, 9)'
    made = flux.scorer(text, keep="a", flag="out", ranges={"a": (0, 1)}, missing="raise")
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    table = {"sex": ["F", "M"], "a": [1.0, 4.0], "ä": [9.0, 16.0]}
    assert again(table)["d"] == pytest.approx([1, 4])


@pytest.mark.parametrize(
    "options",
    [
        {"missing": "drop"},
        {"threads": 0},
        {"threads": True},
        {"ranges": {"a": (2, 1)}},
        {"ranges": {"a": "ab"}},
        {"ranges": {"a": 3}},
        {"ranges": {"b": (0, 1)}},
        {"flag": "y"},
        {"flag": "\udcff"},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        flux.scorer("y = a", **options)  # type: ignore[arg-type]


def test_ranges_of_a_definition_are_those_of_what_a_call_gives() -> None:
    text = CARD + "y = bmi(w, height)\nz = egfr_ckd_epi_2021(scr, age, female)\nweight2 = weight"
    ranges = flux.scorer(text).ranges
    assert ranges["w"] == (1, 500)
    assert ranges["age"] == (18, 120)
    assert ranges["height"] == (0.4, 2.6)
    assert "weight" not in ranges
    both = "y = bmi(a, b) + egfr_ckd_epi_2021(a, b, c)"
    assert flux.scorer(CARD.replace("0.4 to 2.6", "-1 to 2.6") + both).ranges["a"] == (1, 40)
    binding = "\n".join([*CARD.strip().split("\n")[:-1], "bmi = weight/height^2"])
    assert flux.scorer(binding).ranges == {"weight": (1, 500), "height": (0.4, 2.6)}


EVERY_WAY = [
    "y = egfr_ckd_epi_2021(scr, years, woman)",
    "y = egfr_ckd_epi_2021(female=woman, creatinine=scr, age=years)",
    "y = egfr_ckd_epi_2021(scr, female=woman, age=years)",
    "own(c, a, f) = 2*egfr_ckd_epi_2021(c, age=a, female=f)\ny = own(scr, years, woman)",
    "own(c, a, f) = egfr_ckd_epi_2021(c, a, f)\nouter(f, c) = own(c, 50, f)\n"
    "y = outer(f=woman, c=scr) + own(scr, years, woman)",
]


@pytest.mark.parametrize("text", EVERY_WAY)
def test_a_range_holds_however_a_formula_is_called(text: str) -> None:
    table = {"scr": [0.9, 97.0, 0.9, 0.9], "years": [50.0, 50, 17, 50], "woman": [1.0, 0, 1, 0.5]}
    found, report = flux.score(table, text, flag="out", report=True)
    assert found["out"].tolist() == [False, True, True, True]
    assert [report.outside[name].first for name in table] == [1, 2, 3]
    assert "woman: 1 other than 0 and 1, the first in row 4" in str(report).splitlines()
    assert flux.scorer(text).ranges == {"scr": (0.1, 40), "years": (18, 120), "woman": (0, 1)}
    assert "reports woman other than 0 and 1" in flux.scorer(text).explain().splitlines()
    converted = flux.score({**table, "scr": 0.9 * 88.4}, text, units={"scr": "umol/L"})
    assert converted["y"][0] == pytest.approx(flux.score(table, text)["y"][0], rel=1e-4)


def test_a_range_of_ones_own_for_a_flag_is_a_range() -> None:
    scorer = flux.scorer(EVERY_WAY[0], ranges={"woman": (0, 1)}, flag="out")
    assert scorer({"scr": [0.9], "years": [50.0], "woman": [0.5]})["out"].tolist() == [False]


def test_what_is_computed_before_a_call_is_no_column_of_it() -> None:
    text = "own(c) = egfr_ckd_epi_2021(c/88.4, 50, 0)\ny = own(scr)"
    assert flux.scorer(text).ranges == {}
    with pytest.raises(ArgumentError, match="no formula says which unit"):
        flux.score({"scr": [97.0]}, text, units={"scr": "umol/L"})


def test_a_published_formula_by_its_name() -> None:
    table = {"creatinine": [1.1, 90.0], "age": [54.0, 54.0], "female": [0, 0]}
    found, report = flux.score(table, "egfr_ckd_epi_2021", report=True)
    own = flux.formulas.get("egfr_ckd_epi_2021")
    assert found["egfr_ckd_epi_2021"][0] == own(creatinine=1.1, age=54.0, female=0)
    assert report.outside["creatinine"].count == 1
    assert flux.score({"a_column": [2.0]}, "a_column")["score"].tolist() == [2]


def test_what_thousands_of_scores_depend_on_stays_small() -> None:
    lines = ["y0 = c0", *(f"y{i} = y{i - 1} + c{i}" for i in range(1, 1500))]
    formulas = read_formulas("\n".join(lines))
    tracemalloc.start()
    depends = Dependence(formulas)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # as sets of names it would be over 50
    assert list(depends.names(depends.needed["y2"])) == ["c0", "c1", "c2"]
    assert depends.needed["y1499"] == depends.passed["y1499"] == (1 << 1500) - 1


@pytest.mark.parametrize(
    ("text", "reads", "needed", "passed"),
    [
        ("y = a + b", "a b", "a b", "a b"),
        ("y = where(a > 1, b + c, b)", "a b c", "a b c", "b"),
        ("y = where(isnan(a), b, a)", "a b", "b", ""),
        ("y = a^2 + b^0 + 1^c", "a b c", "a b c", "a"),
        ('y = where(s == "F", a, -a)', "a s", "a s", "a"),
        ('y = where(isnan(s), 1, s == "F") + a', "a s", "a", "a"),
        ("y = a == b", "a b", "a b", ""),
        ("_r = root(x - a, x, 0, b)\ny = _r + c", "_r c", "_r c", "c"),
    ],
)
def test_what_a_score_depends_on(text: str, reads: str, needed: str, passed: str) -> None:
    depends = Dependence(read_formulas(text))
    for masks, wanted in (
        (depends.reads, reads),
        (depends.needed, needed),
        (depends.passed, passed),
    ):
        assert sorted(depends.names(masks["y"])) == wanted.split()
