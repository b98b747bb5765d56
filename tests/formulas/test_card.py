"""Cards: what is read from the comments above a definition, and what is refused, with its place."""

from __future__ import annotations

from contextlib import suppress
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.errors import FluxError, ParseError
from flux.formulas import Example, Quantity, read_cards
from flux.formulas.card import number_text
from flux.source import Source
from tests.reliability.bounds import within

GOOD = """\
# title: Body mass index
# source: Keys A et al. Journal of Chronic Diseases 25 (1972), 329-343.
#   doi:10.1016/0021-9681(72)90027-6
# text: One line,
#   and its end.
# text: Another.
# checked: by hand
# result bmi [kg/m^2] 5 to inf: body mass index
# input weight [kg] >1 to 500: body weight
# input height [m] 0.4 to <2.6: standing height
# kink: weight = height
# example weight=70, height=1.75 -> 22.9 +- 0.05: a table
# example height=2, weight=80 -> 20 +- 1e-12: computed
bmi(weight, height) = weight/height^2
"""


def test_a_card_is_read() -> None:
    card = read_cards(GOOD)["bmi"]
    assert (card.name, card.title) == ("bmi", "Body mass index")
    assert card.source.endswith("329-343. doi:10.1016/0021-9681(72)90027-6")
    assert card.text == "One line, and its end.\nAnother."
    assert (card.checked, card.kinks) == ("by hand", ("weight = height",))
    assert card.result == Quantity("bmi", "kg/m^2", 5.0, inf, "body mass index")
    weight, height = card.inputs
    assert weight == Quantity("weight", "kg", nextafter(1.0, inf), 500.0, "body weight")
    assert (weight.valid, height.valid) == (">1 to 500", "0.4 to <2.6")
    assert card.result.valid == "5 to inf"
    assert card.examples == (
        Example((("weight", 70.0), ("height", 1.75)), 22.9, 0.05, "a table"),
        Example((("height", 2.0), ("weight", 80.0)), 20.0, 1e-12, "computed"),
    )
    assert [example.is_published for example in card.examples] == [True, False]
    identity = read_cards(GOOD.replace("computed", "identity, 20 = 80/4"))["bmi"]
    assert [example.is_published for example in identity.examples] == [True, False]
    assert card.span is not None
    assert (card.span.line, card.span.column) == (1, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(70.0, "70"), (1e9, "1e9"), (1e-9, "1e-9"), (-0.05, "-0.05"), (9.3, "9.3"), (inf, "inf"),
     (1234567.5, "1234567.5"), (2.5e-300, "2.5e-300"), (1 / 3, "0.3333333333333333")],
)  # fmt: skip
def test_numbers_are_written_as_a_card_has_them(value: float, text: str) -> None:
    assert number_text(value) == text
    assert float(text) == value


def test_an_end_that_the_source_states_has_a_star() -> None:
    text = GOOD.replace(">1 to 500:", ">1* to 500:").replace("0.4 to <2.6:", "0.4* to <2.6*:")
    card = read_cards(text)["bmi"]
    stated = [(q.low_of_source, q.high_of_source) for q in (*card.inputs, card.result)]
    assert stated == [(True, False), (True, True), (False, False)]
    assert [q.valid for q in card.inputs] == [">1 to 500", "0.4 to <2.6"]
    assert [q.valid_marked for q in card.inputs] == [">1* to 500", "0.4* to <2.6*"]
    assert card.result.valid_marked == card.result.valid


def test_molar_masses_and_flags_are_read() -> None:
    text = (
        "# title: t\n# source: s\n# result r [1] 0 to 1: r\n"
        "# input glucose [mg/dL; 180.156 g/mol] 1 to 2: glucose\n"
        "# input female [0 or 1] 0 to 1: 1 for a woman\nr(glucose, female) = glucose*female\n"
    )
    glucose, female = read_cards(text)["r"].inputs
    assert (glucose.unit, glucose.equivalents) == ("mg/dL", ("180.156 g/mol",))
    assert (glucose.is_flag, female.is_flag, female.equivalents) == (False, True, ())


def test_a_line_that_binds_can_have_a_card() -> None:
    text = GOOD.replace("bmi(weight, height) =", "bmi =")
    assert [q.name for q in read_cards(text)["bmi"].inputs] == ["weight", "height"]


def test_inputs_of_a_line_that_binds_are_names_of_the_text() -> None:
    text = GOOD.replace("bmi(weight, height) =", "bmi =")
    with pytest.raises(ParseError, match="no line has an input `hight`") as caught:
        read_cards(text.replace("height [m]", "hight [m]").replace(" height=", " hight="))
    assert (caught.value.line, caught.value.hint) == (10, "did you mean `height`?")


def test_other_comments_are_none_of_a_card() -> None:
    assert read_cards("# ---- Kidney ----\n\n# Words.\nf(x) = x  # title: no\n") == {}
    assert read_cards("1 + x") == {}
    assert read_cards("") == {}


def test_line_ends_and_indentation_do_not_matter() -> None:
    assert read_cards(GOOD.replace("\n", "\r\n")) == read_cards(GOOD)
    assert read_cards("".join(f"    {line}\n" for line in GOOD.splitlines())) == read_cards(GOOD)


# What is replaced in the good card, by what; line and column of the error; words of its message.
WRONG = [
    ("# title: Body mass index\n", "", 7, 3, "begins with its title"),
    ("# checked: by hand", "# cheked: by hand", 7, 3, "did you mean `checked`?"),
    ("# checked: by hand", "# checked:", 7, 3, "`checked: ` and a text"),
    ("# checked: by hand", "#", 7, 2, "a line begins with one of title"),
    ("# checked: by hand", "# title: Two", 7, 3, "`title` stands twice"),
    ("# source: Keys", "# text: Keys", 1, 3, "a card without `source`"),
    ("# result bmi", "# input bmi", 1, 3, "a card without `result`"),
    ("[kg/m^2] 5", "5", 8, 3, "without name, unit, range and meaning"),
    ("5 to inf", "inf to 5", 8, 3, "without name, unit, range and meaning"),
    ("[kg/m^2]", "[kg//m]", 8, 3, "`kg//m`: no unit"),
    ("[kg/m^2]", "[kg; ]", 8, 3, "``: no unit"),
    ("5 to inf", "5 to 5", 8, 3, "an empty range"),
    ("5 to inf", "nan to 5", 8, 3, "without name, unit, range and meaning"),
    ("5 to inf", "*5 to inf", 8, 3, "without name, unit, range and meaning"),
    ("5 to inf", "5 to inf**", 8, 3, "without name, unit, range and meaning"),
    (": body weight", ":", 9, 3, "without name, unit, range and meaning"),
    ("# input height", "# input length", 9, 3, "`bmi` takes weight, height"),
    ("# input height", "# input weight", 10, 3, "stands twice"),
    ("weight=70, height", "weight=70, length", 12, 3, "an example gives weight, length"),
    ("weight=70, ", "", 12, 3, "an example gives height"),
    ("weight=70, ", "weight=70, weight=70, ", 12, 3, "an example gives weight, weight"),
    ("22.9 +- 0.05: a table", "22.9: a table", 12, 3, "an example without values"),
    ("22.9 +- 0.05: a table", "22.9 +- 0.05:", 12, 3, "an example without values"),
    ("weight=70, ", "weight=2*35, ", 12, 3, "an example without values"),
    ("+- 0.05:", "+- -0.05:", 12, 3, "an example without values"),
    ("weight=70, ", "weight=700, ", 12, 3, "`weight` is 700 in an example, outside >1 to 500"),
    ("[kg] >1", "[kg; 1 m; 1 s; 1 A; 1 K; 1 mol] >1", 9, 3, "at most 4"),
    ("bmi(weight", "\nbmi(weight", 13, 3, "directly above a definition"),
    ("bmi(weight, height) = ", "", 13, 3, "directly above a definition"),
]


@pytest.mark.parametrize(("old", "new", "line", "column", "words"), WRONG)
def test_a_wrong_card_is_refused_with_its_place(
    old: str, new: str, line: int, column: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(ParseError) as caught:
        read_cards(Source(GOOD.replace(old, new, 1), "body.flux"))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in str(caught.value)
    assert "body.flux" in str(caught.value)


def test_a_tab_after_the_mark_is_a_blank() -> None:
    assert read_cards(GOOD.replace("# ", "#\t")) == read_cards(GOOD)


def test_two_cards_for_one_name_are_refused() -> None:
    with pytest.raises(ParseError, match="`bmi` has two cards") as caught:
        read_cards(GOOD + "\n" + GOOD)
    assert caught.value.line == 16


LONG = [
    "# title: t" + " " * 200_000 + "x\nf(x) = x",
    "# title: t\n# example " + " " * 200_000 + "\nf(x) = x",
    "# example" + " " * 200_000 + "x\nf(x) = x",
    "# title: t\n" + "#   x\n" * 40_000 + "f(x) = x",
    "# title: t\n# input x [" + "m " * 900 + "] 0 to 1: x\nf(x) = x",
    "# title: t\n# result r [" + "(" * 1900 + "] 0 to 1: x\nf(x) = x",
    "# title: t\n# input x [m] 0 to " + "9" * 1900 + ": x\nf(x) = x",
    "# title: t\n# input x [m] 0 to 1e999: x\nf(x) = x",
    "# title: t\n# source: s\n# result r [1] 0 to 1: r\n# input x [1] 0 to 1: x\n# example "
    + "x=1, " * 390
    + "x=1 -> 1 +- 1: s\nf(x) = x",
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_a_long_card_is_read_or_refused_within_the_bound(text: str) -> None:
    with within(), suppress(FluxError):
        read_cards(text)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_card_is_read_or_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD)))
    length = data.draw(st.integers(0, 20))
    new = data.draw(st.text(max_size=6))
    with suppress(FluxError):
        read_cards(GOOD[:place] + new + GOOD[place + length :])
