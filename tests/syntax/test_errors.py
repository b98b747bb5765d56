"""Every mistake has a message with its place: bad sources and what is said about them.

The messages are in tests/golden/errors.txt; `pytest --update-golden` rewrites it for review.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flux.errors import ArgumentError, DataError, FluxError, LimitError, UnknownNameError
from flux.syntax import load, load_text, parse, parse_block, parse_equation

# Formulas and blocks.
FORMULAS = [
    # What stands where it cannot.
    "",
    "   # only a comment",
    "2 + * 3",
    "* 3",
    "()",
    "sin(1,)",
    ".",
    "1..2",
    "2x",
    "x y",
    "1 +",
    "5!",
    "a b\nc d",
    "y = x\n  z = 3\ny + z",
    "x ? y",
    "a = = b",
    "x -> y",
    # Brackets.
    "sin(",
    "((a + b)\n",
    "y = (1 + 2\nz = 3",
    "a)",
    "f(x]",
    "a[1",
    # Operators and words of other languages.
    "2=>2",
    "a =< b",
    "a <> b",
    "a | b",
    "a & b",
    "{a}",
    "x = 'a'",
    "`abc",
    "a @ b",
    "a.b",
    "if x then y",
    "lambda x: x",
    "10 mod 3",
    "1,5 + x",
    "def f(x):\n    return x",
    # Characters and limits.
    "a \u2212 b",
    "\u03c0*r",
    "a\x00b",
    "1e999999999",
    # Names and functions.
    "foo(1)",
    "sinn(x) + coss(x)",
    "SIN(x)",
    "x(3)",
    "a = 2\na(x + 1)",
    "(a + b)(c)",
    "sin(1, 2)",
    "sin()",
    "max(x)",
    "atan2(y = 1, x = 2)",
    "sin(x; n = 2)",
    "sin[d](x)",
    "sigmoid(1, 2)",
    "sigmoid(y = 1)",
    "clip(x, 1)",
    "clip(x, low = 1, low = 2)",
    # Lines.
    "1\n2",
    "y = 1\ny = 2",
    "a = y\ny = 2",
    "3 = x",
    "x^2 = 4",
    "f(x) = x^2",
    "f(x) = x^2\nf + 1",
    "sin(x = 2)",
    "x: int",
    # Axes.
    "sum(x)",
    "sum[d](x)",
    "sum[t = 2](x)",
    "input x[t, d]\nsum[t, t](x)",
    "input x[t, d]\nsum[dd](x)",
    "input x[t, d]\nargmax[t, d](x)",
    "input x[d, d]\nx",
    "input x[t, d]\nd = 2\nx*d",
    "input x[t, d]\nx[u = 1]",
    "input x[t, d]\nx[1]",
    "input x[t, d]\nx[1, d = 2]",
    "input x[t, d]\ny = 2*x\ny[1, 2]",
    "input x[t, d]\nx[t = 1, t = 2]",
    "input x[t, d]\ny[t] = x\ny",
    "size[a, b]",
    "softmax(x)",
    "input x[t]\nsoftmax[u](x)",
    "input x[t]\nsoftmax[i = t, i = t](x)",
    "input x[t]\nsoftmax[j = t](x)",
    # Declarations.
    "x + 1\ninput x\nx",
    "input x = 3\nx",
    "input x: float\nx",
    "input sin(x)\nx",
    "assume x > y\nx",
    "axis a + b\n1",
    "param w = 1\nw",
    # Definitions.
    "f(x) = f(x) + 1\nf(2)",
    "f(x) = x + yy\nf(2)",
    "f(x, x) = x\nf(1, 2)",
    "f(x) = x\nf(x) = x^2\nf(2)",
    "f(x):\n    y = 1\n  z\nf(1)",
    "f(x):\nf(1)",
    "f(x): x\nf(1)",
    "f = 3:\n    x\n",
    "layer l(x):\n    x\nl(2)",
    "derivative f(x) = 1\nx",
    "f(x) = x^2\nderivative f(x) = 3*x\nf(2)",
    # Derivatives, repetition, randomness.
    "diff(x^2)",
    "diff(x^2, 2)",
    "diff(x^2, x, y)",
    "input w[d]\ngrad(w^2, w)",
    "repeat(f, 2)(x)",
    "repeat(sin)(x)",
    "f(x) = 2*x\nrepeat(f, n)(x)",
    "random()",
    "random(site, 1, 2)",
]

# Files of definitions; where a model `m` is in them, it is built.
FILES = [
    "x + 1",
    "f(x) = x + yy\ng(x) = sinn(x)\nh(x) = (x\nk(x, x) = 1",
    "f(x) = x + yy\ng(x) = sinn(x)\nk(x, x) = 1",
    "model m(a[t]):\n    input b[u]\n    a + b\nf(x):\n    input y\n    x + y",
    "layer l[d, h](x[d]):\n    param W[d, h] = 0\n    sum[d](x*W)\nmodel m(a[d, h]):\n    l(a)",
    "layer l[d](x[d]):\n    param W[d, g] = 0\n    sum[d](x*W)\nmodel m(a[d]):\n    l(a)",
    "f[t](x[t]) = sum[t](x)\nmodel m(a[u]):\n    f(a)",
    "f[t, u](x[t, u]) = x\nmodel m(a[t, v]):\n    f[u = t](a)",
    "f[t](x[t]) = x\nmodel m(a[t]):\n    f[t, u](a)",
    "model m(a):\n    param w\n    a*w",
    "model m(a):\n    param w = a\n    a*w",
    "model m(a[t]):\n    param w[t] = 0\n    param w[t] = 1\n    a*w",
    "model m(a[t]):\n    param w[t] = 1 ~ 2\n    a*w",
    "layer l(x; n: int) = x",
    "layer l(x; n: int):\n    n*x\nmodel m(a):\n    l(a)",
    "layer l(x; n: int = 1):\n    n*x\nmodel m(a):\n    l(a; n = 1.5) + l(a, n = a)",
    "layer l(x; n: int = 1):\n    n*x\nmodel m(a):\n    l(a; 3)",
    "layer l(x):\n    x\nmodel m(a):\n    f = l()\n    f + 1",
    "layer l(x):\n    x\nmodel m(a):\n    f = l()\n    f(a, 2)",
    "layer l(x):\n    x\nmodel m(a):\n    repeat(l, 1.5)(a)",
    "layer l(x):\n    x\nmodel m(a):\n    repeat(l, -1)(a)",
    "model m(a[t]) -> y[u]:\n    a",
    "model m(a[t]):\n    param w[t] = 1",
    "f(x):\n    param w = 1\n    x*w",
    "f[i](x) = sum[i](x)\nderivative f(x) = 1",
    "f(x, y) = x*y\nderivative f(x, y) = x",
    "f(x) = x^2\nderivative f(x) = 2*x\nderivative f(x) = 3*x",
    "f(x) = x\nderivative f(x, y; x) = x",
]


def message(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(FluxError) as error:
        read(text)
    return str(error.value)


def build(text: str) -> None:
    module = load_text(text, "file.flux")
    if "m" in module:
        module["m"].build()


def _section(read: Callable[[str], object], text: str) -> str:
    shown = text.encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
    return f"{'-' * 80}\n{shown}\n\n{message(read, text)}\n"


def test_messages_of_formulas(golden: Callable[[str, str], None]) -> None:
    golden("errors_formulas.txt", "".join(_section(parse, text) for text in FORMULAS))


def test_messages_of_files(golden: Callable[[str, str], None]) -> None:
    golden("errors_files.txt", "".join(_section(build, text) for text in FILES))


@pytest.mark.parametrize("text", FORMULAS)
def test_every_error_has_a_place_and_is_short_plain_text(text: str) -> None:
    with pytest.raises(FluxError) as error:
        parse(text)
    for found in error.value.errors:
        assert found.line > 0
        assert found.column > 0
        rendered = found.render()
        assert rendered.isascii()
        assert len(rendered) < 2_000


@pytest.mark.parametrize(
    ("text", "line", "column", "start"),
    [
        ("2 + 3 * foo(1)", 1, 9, "`foo` is not a known function"),
        ("sin(", 1, 4, "`(` is never closed"),
        ("2=>2", 1, 2, "found `=>`"),
        ("x = 1\ny = \u2212x", 2, 5, "U+2212"),
        ("1 == 1 == ", 1, 10, "found the end of the line"),
    ],
)
def test_places(text: str, line: int, column: int, start: str) -> None:
    with pytest.raises(FluxError) as error:
        parse(text)
    assert (error.value.line, error.value.column) == (line, column)
    assert error.value.text.startswith(start)


def test_a_place_in_the_library_is_told_from_the_callers() -> None:
    with pytest.raises(FluxError) as error:
        load_text("model m(a):\n    param w ~ normal(0)\n    a*w")["m"].build()
    assert error.value.spans[0].source.name == "<text>"


def test_equations_and_blocks_report_like_formulas() -> None:
    with pytest.raises(UnknownNameError):
        parse_equation("foo(x) + 1 = 2")
    with pytest.raises(UnknownNameError):
        parse_block("y = foo(x)\ny")
    with pytest.raises(UnknownNameError, match="`f` is not a known function"):
        parse_equation("f(x) = 2")
    with pytest.raises(FluxError, match="not an equation"):
        parse_equation("f(x):\n    2*x")


def test_the_left_side_of_an_equation_may_be_a_call() -> None:
    sides = parse_equation("k = 2\nsin(k*x) = 1/2")
    assert (str(sides.left), str(sides.right)) == ("sin(2*x)", "1/2")


def test_a_text_is_a_text() -> None:
    for wrong in (None, 3, b"x", ["x"]):
        with pytest.raises(ArgumentError, match="expected a text"):
            parse(wrong)  # type: ignore[arg-type]


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(DataError, match="cannot read"):
        load("no/such/file.flux")


def test_a_file_is_read_as_ascii(tmp_path: Path) -> None:
    path = tmp_path / "f.flux"
    for content, code in [("f(x) = x # \u00e9".encode(), "U+00E9"), (b"f(x) = \xff", "U+DCFF")]:
        path.write_bytes(content)
        with pytest.raises(FluxError, match=re.escape(code)) as error:
            load(path)
        assert error.value.spans[0].source.name == str(path)
    path.write_bytes(b"f(x) = x + 1\r\n")
    assert load(path)["f"](2) is parse("2 + 1")


def test_a_file_may_be_too_long(tmp_path: Path) -> None:
    path = tmp_path / "f.flux"
    path.write_bytes(b"f(x) = x\n" * 200_000)
    with pytest.raises(LimitError, match="max_source_bytes"):
        load(path)


def test_a_name_of_a_module() -> None:
    module = load_text("gelu2(x) = x")
    assert "gelu2" in module
    assert "gelu3" not in module
    assert module.get("gelu3") is None
    with pytest.raises(UnknownNameError, match="did you mean"):
        module["gelu3"]
    assert module["sigmoid"].kind == "function"


def test_calls_from_python() -> None:
    module = load_text("f(x, y = 2; n: int = 3) = x*y*n\nlayer l(x):\n    x")
    x = parse("x")
    assert module["f"](x) is parse("x*2*3")
    assert module["f"](x, y=parse("z"), n=4) is parse("x*z*4")
    for args, named, text in [
        ((), {}, "needs the argument"),
        ((x, x, x), {}, "takes 2 arguments"),
        ((x,), {"z": 1}, "no argument"),
        ((x,), {"n": 1.5}, "whole number"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            module["f"](*args, **named)
    with pytest.raises(ArgumentError, match="build it"):
        module["l"](x)
    with pytest.raises(ArgumentError, match="no option"):
        module["l"].build(layers=2)
    with pytest.raises(FluxError, match="no axis"):
        module["softmax"](x, axes={"j": "t"})
