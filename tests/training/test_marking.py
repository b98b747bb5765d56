from __future__ import annotations

import pytest

from flux.syntax import parse
from flux.training.corpus import ARROW, Line, calculus_lines
from flux.training.language import LanguageModel
from flux.training.marking import Marked, Marks, draw, is_right, mark, nearest_answers, solve
from flux.training.presets import Preset
from flux.training.rules import RULES, rules_of
from flux.training.tokenizer import Tokenizer

LINE = Line("y", "y*sin(y)", "y*cos(y)+sin(y)", 0)
ANSWERS = [
    ("y*cos(y)+sin(y)", True),
    ("sin(y)+cos(y)*y", True),
    ("(y*sin(2*y)/sin(y)/2+sin(y))", True),
    ("y*cos(y)-sin(y)", False),
    ("x*cos(x)+sin(x)", False),
    ("y*cos(y)+", False),
    ("", False),
    ("0/0", False),
    ("(" * 5_000, False),
    ("9^9^9^9^9", False),
    ("input y[d]", False),
]


@pytest.mark.parametrize(("answer", "right"), ANSWERS)
def test_an_answer_is_right_where_it_equals_the_derivative(answer: str, right: bool) -> None:
    assert is_right(LINE, answer) is right


def test_the_most_similar_problem_is_copied_in_the_variable_of_the_question() -> None:
    known = [
        Line("x", "exp(x)+x^2", "2*x+exp(x)", 1),
        Line("x", "log(x)*x", "log(x)+1", 2),
        Line("x", "x*sin(x)+1", "x*cos(x)+sin(x)", 3),
    ]
    assert nearest_answers(known, [LINE]) == ["y*cos(y)+sin(y)"]
    assert nearest_answers(known, [Line("t", "exp(t)+t^3", "", 4)]) == ["2*t+exp(t)"]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return calculus_lines(seed=0, trees=800, context=40)


def test_problems_are_drawn_without_repetition_in_all_variables(lines: list[Line]) -> None:
    drawn = draw(lines, 30, seed=1)
    assert len({line.renamed("x").problem for line in drawn}) == len(drawn) == 30
    assert {line.variable for line in drawn} == {"x", "y", "t"}
    assert drawn == draw(lines, 30, seed=1)
    assert drawn != draw(lines, 30, seed=2)


class Knowing(LanguageModel):
    """Writes what a table says, and nonsense where the table has nothing."""

    def __init__(self, table: dict[str, str], preset: Preset) -> None:
        super().__init__(preset, Tokenizer.from_text("ab"), seed=0)
        self.table = table

    def complete_lines(self, prompts, choice, longest):  # type: ignore[no-untyped-def]
        return [self.table.get(prompt, "?") for prompt in prompts]


def test_marks_count_right_answers(lines: list[Line]) -> None:
    held_out = draw([line for line in lines if line.held_out], 10, seed=0)
    table = {line.problem + ARROW: line.answer for line in held_out[:4]}
    preset = Preset(8, 2, 1, 8, 40, 1, 1, 1e-3)
    knowing = Knowing(table, preset)
    assert solve(knowing, held_out) == [line.answer for line in held_out[:4]] + ["?"] * 6
    told: list[int] = []
    marks = mark(knowing, lines, 10, seed=0, progress=told.append)
    assert (marks.asked, marks.model) == (10, 4)
    assert 0 <= marks.copied < 10
    assert [each.right for each in marks.marked] == [True] * 4 + [False] * 6
    assert [each.line for each in marks.marked] == held_out
    assert told == [10]


def marked(problem: str, right: bool, copied: bool = False) -> Marked:
    return Marked(Line("x", problem, "", 0), "", right, copied)


MARKS = Marks(
    (
        marked("x+x", True, True),
        marked("sin(x)*x", True),
        marked("t/cos(t)", False),
        marked("cos(2*x)", False, True),
    )
)
TABLE = """\
                 asked  right  wrong  share  copied
sum                  1      1      0   100%       1
constant factor      1      0      1     0%       1
product              1      1      0   100%       0
quotient             1      0      1     0%       0
chain                1      0      1     0%       1
sine                 1      1      0   100%       0
cosine               2      0      2     0%       1
3 nodes              1      1      0   100%       1
4 nodes              3      1      2    33%       1
all                  4      2      2    50%       2"""


def test_marks_are_shown_as_shares() -> None:
    assert str(MARKS) == (
        "exact derivatives, of 4 held out: the model 2 (50%), copying the nearest neighbour 2 (50%)"
    )


def test_right_and_wrong_answers_are_counted_by_rule_and_by_size() -> None:
    assert MARKS.table() == TABLE


RULES_OF = [
    ("x + 3", {"sum"}),
    ("3*x", {"constant factor"}),
    ("x/3", {"constant factor"}),
    ("3/x", {"quotient"}),
    ("x*x", {"product"}),
    ("x^3", {"power"}),
    ("(x + 1)^3", {"power", "chain", "sum"}),
    ("sin(x)", {"sine"}),
    ("exp(cos(log(x)))", {"exponential", "cosine", "logarithm", "chain"}),
    ("x + sin(2)*2^3/4", {"sum"}),
    ("7", set()),
]


@pytest.mark.parametrize(("text", "rules"), RULES_OF)
def test_rules_are_those_that_a_derivative_calls_for(text: str, rules: set[str]) -> None:
    assert set(rules_of(parse(text))) == rules


def test_every_rule_occurs_in_the_corpus(lines: list[Line]) -> None:
    found = {rule for line in lines for rule in rules_of(parse(line.problem))}
    assert found == set(RULES)
