"""Damage to a text: token by token, character by character, and texts that are not texts at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.fuzz.grammar import BINARY, NAMES, NUMBERS

_TOKENS = re.compile(
    r"`[^`\n]*`|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|\n[ \t]*|[ \t]+|\*\*|[<>=!]=|->|.", re.S
)
_WORDS = (
    *("(", ")", "[", "]", ",", ";", ":", "=", "->", "~", "?", "!", "`", "#", "\n", "\n    ", "\t"),
    *("\r\n", "\r", "input ", "axis ", "assume ", "param ", "layer ", "model ", "derivative "),
    *("stop(", "repeat(", "diff(", "grad(", "size[", "position[", "random(", "random[a](", "sum["),
    *BINARY,
    *NAMES,
    *NUMBERS,
)
# NUL, escapes, separators, marks of direction, homoglyphs, full width, combining, surrogates.
_CHARACTERS = (
    "\0\1\7\x08\x0b\x0c\x1b\x7f\x80\x85\xa0\xad\xb2\xb5\xd7\u0301\u0391\u0430\u0660\u1680\u200b\u200d"
    "\u200e\u202e\u2028\u2029\u2212\u2215\u221e\u2260\u3000\ufeff\uff11\uff38\ufffd\uffff\ud800\udfff"
    "\U0001d7d9\U0001f4a3\U000e0041\U0010ffff"
)

Mutation = Callable[[Random, list[str]], list[str]]


def tokens(text: str) -> list[str]:
    """The text in pieces that shrinking and mutation move whole; joined, they are the text."""
    return _TOKENS.findall(text)


def _swap(rng: Random, parts: list[str]) -> list[str]:
    i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[i], parts[j] = parts[j], parts[i]
    return parts


def _delete(rng: Random, parts: list[str]) -> list[str]:
    i = rng.randrange(len(parts))
    return parts[:i] + parts[i + rng.choice((1, 1, 2, 5)) :]


def _duplicate(rng: Random, parts: list[str]) -> list[str]:
    i = rng.randrange(len(parts))
    j = min(len(parts), i + rng.choice((1, 2, 6)))
    return parts[:j] + parts[i:j] * rng.choice((1, 1, 3, 30)) + parts[j:]


def _replace(rng: Random, parts: list[str]) -> list[str]:
    parts[rng.randrange(len(parts))] = rng.choice(_WORDS)
    return parts


def _insert(rng: Random, parts: list[str]) -> list[str]:
    parts.insert(rng.randrange(len(parts) + 1), rng.choice(_WORDS))
    return parts


def _character(rng: Random, parts: list[str]) -> list[str]:
    i = rng.randrange(len(parts))
    cut = rng.randrange(len(parts[i]) + 1)
    parts[i] = parts[i][:cut] + rng.choice(_CHARACTERS) + parts[i][cut:]
    return parts


def _nest(rng: Random, parts: list[str]) -> list[str]:
    start, end = rng.choice(
        (("(", ")"), ("-", ""), ("sin(", ")"), ("[", "]"), ("not ", ""), ("2^", ""))
    )
    count = int(2 ** rng.uniform(0, 9))
    i = rng.randrange(len(parts))
    parts[i] = start * count + parts[i] + end * count
    return parts


def _literal(rng: Random, parts: list[str]) -> list[str]:
    count = int(2 ** rng.uniform(0, 10))
    digits = "".join(rng.choice("0123456789") for _ in range(count))
    parts[rng.randrange(len(parts))] = digits + rng.choice(("", ".5", "e5", "e-999", "e99999999"))
    return parts


def _long_name(rng: Random, parts: list[str]) -> list[str]:
    quote = rng.choice(("", "`"))
    name = rng.choice(("x", "_", "a9")) * int(2 ** rng.uniform(0, 11))
    parts[rng.randrange(len(parts))] = quote + name + quote
    return parts


_MUTATIONS: tuple[Mutation, ...] = (
    *(_swap, _delete, _delete, _duplicate, _replace, _replace, _insert, _insert, _character),
    *(_nest, _literal, _long_name),
)


def mutated(rng: Random, text: str) -> str:
    """The text after one to six random changes."""
    parts = tokens(text)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        parts = rng.choice(_MUTATIONS)(rng, parts or [" "])
    return "".join(parts)[:20_000]


def noise(rng: Random) -> str:
    """Random bytes, decoded in one of the ways that a careless script would."""
    raw = rng.randbytes(rng.randrange(200))
    if rng.random() < 0.5:
        raw = bytes(32 + byte % 95 for byte in raw)
    encoding, errors = rng.choice(
        (("latin-1", "strict"), ("utf-8", "surrogateescape"), ("utf-16-le", "surrogatepass"))
    )
    if encoding == "utf-16-le":
        raw = raw[: len(raw) // 2 * 2]
        errors = rng.choice(("replace", "ignore"))
    return raw.decode(encoding, errors)


def bomb(rng: Random) -> str:
    """A text that is small for what it asks."""
    count = int(10 ** rng.uniform(1, 3))
    return rng.choice(
        (
            lambda: "(" * count + "x" + ")" * count,
            lambda: "-" * count + "x",
            lambda: "sin(" * count + "x" + ")" * count,
            lambda: "+".join(["x"] * count),
            lambda: "*".join(f"x{i}" for i in range(count)),
            lambda: "^".join(["9"] * count),
            lambda: "^".join(["x"] * min(count, 30)),
            lambda: "x^" * min(count, 60) + "9" * 300,
            lambda: "gamma(" * min(count, 9) + "1e300" + ")" * min(count, 9),
            lambda: "factorial(" * min(count, 9) + "x" + ")" * min(count, 9),
            lambda: f"diff(sin(x)*exp(x^2), x, {count})",
            lambda: "diff(" * min(count, 12) + "tanh(x*x)" + ", x)" * min(count, 12),
            lambda: (
                "a0 = x\n" + "".join(f"a{i + 1} = a{i}*a{i}\n" for i in range(count)) + f"a{count}"
            ),
            lambda: (
                "a0 = x\n" + "".join(f"a{i + 1} = sin(a{i}) + a{i}\n" for i in range(60)) + "a60"
            ),
            lambda: "(x + y + 1)^" + str(count),
            lambda: "x < " * count + "y",
            lambda: "x ? y : " * count + "1",
            lambda: "max(" + ", ".join(f"x{i}" for i in range(count)) + ")",
            lambda: "[" * count,
            lambda: "x" + "[t = s]" * count,
            lambda: "\n" * count + "x" + "\n" * count,
            lambda: " " * count * 10 + "x\n" + "\t" * count + "y",
            lambda: "f(x)=" * count + "x",
        )
    )()
