"""Reading: trees, places, lines, limits; nothing recurses and every limit is a clear error."""

from __future__ import annotations

import pytest

from flux.errors import FluxError, LimitError, ParseError
from flux.settings import override
from flux.source import Source
from flux.syntax import parse, parse_ast
from flux.syntax.read import read
from flux.syntax.tree import Tree, walk
from tests.reliability.bounds import within

TREE = """\
binding  @1:1
  target: name y  @1:1
  value: binary *  @1:5
    left: binary +  @1:6
      left: name a  @1:6
      right: number 2  @1:10
    right: chain < <=  @1:16
      operands: name b  @1:16
      operands: number 3  @1:20
      operands: name c d  @1:25
value  @2:1
  value: choice  @2:1
    condition: name y  @2:1
    then: prefix -  @2:5
      operand: number 1  @2:6
    otherwise: call  @2:10
      function: index  @2:10
        target: name sum  @2:10
        items: name d  @2:14
      arguments: name x  @2:17"""


def test_a_tree_prints_with_places() -> None:
    text = "y = (a + 2) * (b < 3 <= `c d`)\ny ? -1 : sum[d](x)"
    assert str(parse_ast(text)) == TREE


def test_every_place_covers_its_text() -> None:
    text = read(Source("f(a, b) + g[i](x)[t = s]*(c ? d : -e)"))
    for tree in walk(*text.statements):
        covered = text.span(tree).text
        assert covered == covered.strip()
        assert covered.count("(") == covered.count(")")
        assert covered.count("[") == covered.count("]")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("\n\n  a + b  \n\n", "a + b"),
        ("# a comment\na + b # more\n# end", "a + b"),
        ("    x = 1\n    x + 2\n", "x = 1\nx + 2"),
        ("(a +\n   b)*\tc", "(a + b)*c"),
        ("a\n  + b\n  + c\n", "a + b + c"),
        ("x = a\n    * b\nx + 1", "x = a*b\nx + 1"),
        ("a +\n  b", "a + b"),
        ("f(x):\r\n    x^2\r\nf(3)", "f(x) = x^2\nf(3)"),
        ("f(x):\n\tx^2\nf(3)", "f(x) = x^2\nf(3)"),
        ("f(x):\n  # first\n\n  y = x\n# out of line\n  y^2\n\nf(3)", "f(x) = x^2\nf(3)"),
        ("f(x):\n  x^2\n# end", "f(x):\n  x^2"),
    ],
)
def test_lines_blanks_and_comments(text: str, same: str) -> None:
    assert _shape(text) == _shape(same) or parse(text) is parse(same)


def _shape(text: str) -> list[tuple[str, ...]]:
    found = read(Source(text))
    return [(type(tree).__name__,) for tree in walk(*found.statements)]


# ---- Depth and length ----------------------------------------------------------------------------


def test_a_thousand_parentheses_are_fine() -> None:
    assert parse("(" * 1000 + "x" + ")" * 1000) is parse("x")


def test_a_thousand_nested_calls_and_signs_are_fine() -> None:
    assert parse("sin(" * 1000 + "x" + ")" * 1000).op.name == "SIN"
    assert parse("-" * 2000 + "x").op.name == "NEG"
    assert parse("^".join(["x"] * 1000)).op.name == "POW"


def test_ten_thousand_terms_take_less_than_a_second() -> None:
    text = "+".join(f"x{i}" for i in range(10_000))
    with within(1.0):
        parse(text)


def test_a_deep_tree_is_walked_shown_and_freed_without_recursion() -> None:
    text = parse_ast("+".join(["x"] * 10_000))
    assert len(str(text)) > 10_000
    assert sum(1 for _ in walk(*text.statements)) == 20_000
    assert isinstance(repr(text.statements[0]), str)
    del text


REFUSED_EARLY = {
    "parentheses": "(" * 100_000 + "1" + ")" * 100_000,
    "after many terms": "1+" * 20_000 + "(" * 100_000,
    "brackets": "[" * 100_000,
    "flat, then deep": "()" * 60_000 + "(" * 3000,
    "digits": "1" * 250_000,
    "decimals": "1." + "3" * 250_000,
    "length": "a" * 300_000,
}


@pytest.mark.parametrize("name", REFUSED_EARLY)
def test_a_limit_is_met_within_ten_milliseconds(name: str) -> None:
    source = Source(REFUSED_EARLY[name])
    with within(0.010), pytest.raises(LimitError, match="setting max_"):
        read(source)


TOO_DEEP = {
    "signs": "-" * 200_000 + "1",
    "not": "not " * 50_000 + "1",
    "powers": "^".join(["1"] * 4000),
    "signed powers": "2^-" * 50_000 + "1",
    "choices": "a ? b : " * 30_000 + "c",
    "calls": "f(" * 100_000,
    "indices": "x[" * 100_000,
    "!": "!" * 200_000,
}


@pytest.mark.parametrize("name", TOO_DEEP)
def test_what_nests_too_deep_is_refused(name: str) -> None:
    with within(1.0), pytest.raises(LimitError, match="max_depth"):
        parse(TOO_DEEP[name])


def test_brackets_in_comments_and_names_do_not_nest() -> None:
    assert parse("x # " + "(" * 5000) is parse("x")


def test_a_literal_of_the_limit_is_fine() -> None:
    assert parse("1" * 400).attributes.value == int("1" * 400)
    with pytest.raises(LimitError, match="max_literal"):
        parse("1e" + "0" * 401)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 399 + ".5",
        "1" * 400 + ".",
        "." + "7" * 400,
        "0.00" + "3" * 397,
        "1." + "2" * 399 + "e-4",
    ],
)
def test_a_number_of_as_many_digits_as_may_be_reads_back(text: str) -> None:
    assert parse(str(parse(text))) is parse(text)


def test_limits_are_settings() -> None:
    with override(max_depth=10), pytest.raises(LimitError, match="max_depth"):
        parse("((((((((((((1))))))))))))")
    with override(max_source_bytes=3), pytest.raises(LimitError, match="max_source_bytes"):
        parse("1+1+1")
    with override(max_literal=3), pytest.raises(LimitError, match="max_literal"):
        parse("1.234")
    with override(max_nodes=10), pytest.raises(LimitError, match="max_nodes"):
        parse("+".join(f"x{i}" for i in range(20)))
    with override(max_names=10), pytest.raises(LimitError, match="max_names"):
        parse("+".join(f"x{i}" for i in range(20)))


def test_definitions_that_double_are_refused() -> None:
    lines = ["f0(x) = x + 1"]
    lines += [f"f{i}(x) = f{i - 1}(x)*f{i - 1}(x + {i})" for i in range(1, 60)]
    with within(), pytest.raises(LimitError, match="max_nodes"):
        parse("\n".join([*lines, "f59(y)"]))


# ---- Characters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a \u2212 b", "U+2212"),
        ("\u03c0*r^2", "U+03C0"),
        ("a\x00b", "U+0000"),
        ("a\x0cb", "U+000C"),
        ("\ufeffa", "U+FEFF"),
        ("x\u200b", "U+200B"),
        ("x\udc80", "U+DC80"),
        ("x\x7f", "U+007F"),
        ("x \U0001f600", "U+1F600"),
        ("\uff11", "U+FF11"),
        ("`caf\u00e9`", "U+00E9"),
        ("x # caf\u00e9", "U+00E9"),
    ],
)
def test_other_characters_are_refused_by_code_point(text: str, code: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert code in error.value.text
    assert str(error.value).isascii()
    assert error.value.column > 0


# ---- Many errors ---------------------------------------------------------------------------------


def test_up_to_twenty_errors_of_a_text_are_reported() -> None:
    with pytest.raises(ParseError) as error:
        read(Source("\n".join(["x = = 1"] * 30)))
    assert [e.line for e in error.value.errors] == list(range(1, 21))


def test_an_error_ends_its_line_only() -> None:
    text = "f(x):\n    y = * 2\n    z = x\n    z +\n\ng(x) = (x\nh(x) = x]\n"
    with pytest.raises(FluxError) as error:
        read(Source(text))
    assert [(e.line, e.column) for e in error.value.errors] == [(2, 9), (4, 8), (6, 8), (7, 9)]


def test_trees_are_frozen() -> None:
    tree: Tree = parse_ast("x").statements[0]
    with pytest.raises(AttributeError):
        tree.start = 3  # type: ignore[misc]
