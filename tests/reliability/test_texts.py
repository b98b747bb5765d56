"""Characters and names: nothing is normalised, no name is special to a backend (T8, T9)."""

from __future__ import annotations

import keyword
import math

import numpy as np
import pytest

import flux
from flux.errors import FluxError

# What looks like ASCII, what cannot be seen, what changes direction, what is half a character.
CHARACTERS = {
    "Greek small alpha": "\u03b1",
    "Cyrillic small a": "\u0430",
    "full-width x": "\uff58",
    "full-width one": "\uff11",
    "Arabic-Indic two": "\u0662",
    "mathematical double-struck one": "\U0001d7d9",
    "superscript two": "\u00b2",
    "vulgar half": "\u00bd",
    "minus sign": "\u2212",
    "en dash": "\u2013",
    "multiplication sign": "\u00d7",
    "division slash": "\u2215",
    "infinity": "\u221e",
    "not equal": "\u2260",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "line separator": "\u2028",
    "next line": "\u0085",
    "combining acute": "\u0301",
    "combining long solidus": "\u0338",
    "curly quote": "\u2019",
    "replacement": "\ufffd",
    "lone high surrogate": "\ud800",
    "lone low surrogate": "\udfff",
    "tag": "\U000e0041",
    "last code point": "\U0010ffff",
    "NUL": "\0",
    "bell": "\a",
    "backspace": "\b",
    "escape": "\x1b",
    "vertical tab": "\v",
    "form feed": "\f",
    "delete": "\x7f",
}
PLACES = (
    "#",
    "x + #",
    "x#",
    "#x",
    "x # y + 1",
    "`a#b`",
    "sin(x#)",
    "1#",
    "f(x) = x\n#",
    "# x #\nx",
)


@pytest.mark.parametrize("name", CHARACTERS)
def test_a_character_outside_ascii_is_refused_with_its_code_point(name: str) -> None:
    character = CHARACTERS[name]
    for place in PLACES:
        text = place.replace("#", character)
        with pytest.raises(FluxError) as caught:
            flux.parse(text)
        shown = str(caught.value)
        assert f"U+{ord(character):04X}" in shown
        assert shown.isascii()
        assert shown.replace("\n", "").isprintable()


def test_a_character_in_a_file_has_its_place(tmp_path) -> None:
    path = tmp_path / "f.flux"
    path.write_bytes(b"f(x) = x\ng(x) = x \xe2\x88\x92 1\n")
    with pytest.raises(FluxError) as caught:
        flux.load(path)
    assert (caught.value.line, caught.value.column) == (2, 10)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000 + " y",
        "x + " + "y" * 3_000 + " 1 2",
        "`" + "a" * 5_000 + "` 1",
        "`\\x1b[31m{0}%s%n` 1",
        "`{x.__class__}` + + *",
        "(" * 900 + "]",
        "\n" * 10_000 + "x y",
        "nosuch" * 300 + "(1)",
        "sin(" + ", ".join("x" for _ in range(10_000)) + ")",
    ],
    ids=range(9),
)
def test_messages_are_short_and_plain(text: str) -> None:
    with pytest.raises(FluxError) as caught:
        flux.parse(text)
    for error in caught.value.errors:
        shown = error.render()
        assert len(shown.encode("ascii")) < 2_048
        assert shown.replace("\n", "").isprintable()


def test_names_of_arguments_are_escaped_in_messages() -> None:
    f = flux.compile("x + 1")
    for name in ("\x1b[2J", "a\nb", "\ud800", "x" * 100_000, "\u202e", "{0}%s"):
        for call in (lambda n=name: f({n: 1.0}), lambda n=name: flux.evaluate("x + 1", {n: 1.0})):
            with pytest.raises(FluxError) as caught:
                call()
            shown = str(caught.value)
            assert len(shown) < 2_048
            assert shown.isascii()
            assert shown.replace("\n", "").isprintable()


# ---- Names (T9) ----------------------------------------------------------------------------------

GENERATED = (
    *("v0", "v1", "f_add", "f_0", "c0", "np", "numpy", "math", "out", "rows", "self", "float_"),
    *("ndarray", "multiply", "add", "arena", "buffer", "threads_", "block", "start", "stop_", "n"),
    *("__class__", "__builtins__", "__import__", "__name__", "__dict__", "_", "__", "_1", "_2"),
    *("print", "open", "exec", "eval", "len", "range", "type", "object", "inf_", "nan_", "float"),
    *("domain", "threads", "args", "kwargs", "named", "values", "formula", "expr", "result"),
)
NAMES = sorted({*GENERATED, *keyword.kwlist, *keyword.softkwlist} - {"and", "or", "not"})
QUOTED = (
    *(
        "and",
        "or",
        "not",
        "pi",
        "e",
        "inf",
        "nan",
        "true",
        "size",
        "a b",
        "x.y",
        "1x",
        "",
        "'",
        '"',
    ),
    *("\\", "{0}", "%s", "x'); import os; ('", '"""', "a#b", "lambda: 0", "$x", "block.0.W"),
)


@pytest.mark.parametrize("backend", ["numpy", "vm"])
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_variable(name: str, backend: str) -> None:
    _uses_as_a_variable(name, name, backend)


@pytest.mark.parametrize("backend", ["numpy", "vm"])
@pytest.mark.parametrize("name", [name for name in QUOTED if name])
def test_anything_in_backticks_is_a_variable(name: str, backend: str) -> None:
    _uses_as_a_variable(name, f"`{name}`", backend)


def _uses_as_a_variable(name: str, spelled: str, backend: str) -> None:
    text = f"sin({spelled})*2 + {spelled}^2 - other"
    wanted = math.sin(0.5) * 2 + 0.25 - 3
    assert flux.evaluate(text, {name: 0.5, "other": 3.0}) == pytest.approx(wanted, rel=1e-15)
    f = flux.compile(text, backend=backend)
    assert f.inputs == (name, "other")
    assert f({name: 0.5, "other": 3.0}) == pytest.approx(wanted, rel=1e-14)
    rows = f({name: np.full(3, 0.5), "other": np.full(3, 3.0)})
    np.testing.assert_allclose(rows, wanted, rtol=1e-14)
    e = flux.parse(text)
    assert flux.parse(str(e)) is e
    slope = e.diff(name).evaluate({name: 0.5, "other": 3.0})
    assert slope == pytest.approx(2 * math.cos(0.5) + 1, rel=1e-14)


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(FluxError):
        flux.parse("`` + 1")


def test_many_awkward_names_at_once_stay_apart() -> None:
    names = [*NAMES, *(name for name in QUOTED if name)]
    text = " + ".join(f"{i + 1}*`{name}`" for i, name in enumerate(names))
    given = {name: float(i % 7) for i, name in enumerate(names)}
    wanted = sum((i + 1) * (i % 7) for i in range(len(names)))
    for backend in ("numpy", "vm"):
        assert flux.compile(text, backend=backend)(given) == wanted
    assert flux.evaluate(text, given) == wanted
