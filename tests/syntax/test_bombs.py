"""Texts that are long, wide or multiply: each ends soon, with a value or a FluxError."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flux.errors import FluxError
from flux.syntax import load_text, parse
from tests.reliability.bounds import within

WIDE = ",".join(f"a{i}" for i in range(10_000))

BOMBS: dict[str, tuple[Callable[[str], object], str]] = {
    "order": (parse, "diff(x^2, x, 1e9)"),
    "nested repetition": (
        parse,
        "g(x) = x + 1\nh(x) = repeat(g, 10000)(x)\nrepeat(h, 10000)(x)",
    ),
    "a chain of definitions": (
        parse,
        "\n".join(f"f{i}(x) = f{i + 1}(x) + 1" for i in range(1500)) + "\nf1500(x) = x\nf0(y)",
    ),
    "a wide body, often": (
        parse,
        "f(x) = " + "+".join(["x"] * 10_000) + "\n" + "+".join(f"f(y{i})" for i in range(100)),
    ),
    "axes": (parse, f"input x[{WIDE}]\nsum[{WIDE}](x)"),
    "arguments": (parse, f"max({WIDE})"),
    "too many arguments": (parse, f"sigmoid({WIDE})"),
    "keywords": (parse, "clip(" + ",".join(f"a{i} = 1" for i in range(10_000)) + ")"),
    "bindings": (parse, "\n".join(f"a{i} = {i}" for i in range(4_000)) + "\na3"),
    "misspellings": (load_text, "\n".join(f"f{i}(x) = sinn(x)" for i in range(2000))),
    "unknown functions": (parse, "+".join(f"foo{i}(x)" for i in range(4_000))),
    "indices": (parse, "x" + "[t = 1]" * 8_000),
    "calls": (parse, "f" + "(x)" * 15_000),
    "lines": (parse, "\n" * 200_000 + "x"),
    "blanks": (parse, " " * 200_000 + "x"),
    "comment": (parse, "#" * 200_000 + "\nx"),
    "a long name": (parse, "a" * 200_000 + "(x)"),
    "comparisons": (parse, "x < " * 8_000 + "x"),
    "declarations": (parse, "input x\n" * 4_000 + "x"),
    "errors": (parse, "= " * 80_000),
    "error lines": (parse, "\n".join(["(", ")"] * 40_000)),
    "headers": (parse, "f(x):\n" * 30_000),
    "bodies": (parse, "\n".join(" " * i + f"f{i}(x):" for i in range(400))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_soon(name: str) -> None:
    read, text = BOMBS[name]
    errors: tuple[FluxError, ...] = ()
    with within():
        try:
            read(text)
        except FluxError as error:
            errors = error.errors
    assert len(errors) <= 20
    assert all(len(error.render()) <= 2_000 for error in errors)
