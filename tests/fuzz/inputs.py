"""Input number i of a seed: what kind of text it is, the text, and the seed of its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import flux
from tests.fuzz.grammar import block, formula, module
from tests.fuzz.mutate import bomb, mutated, noise


@dataclass(frozen=True)
class Input:
    """One input.

    Args:
        how: it was made.
        text: read as a formula, and as a file where `module` says so.
        module: whether it is a file of definitions.
        seed: of the values that it is evaluated at.
    """

    how: str
    text: str
    module: bool
    seed: int


@cache
def _library() -> tuple[str, ...]:
    folder = Path(flux.__file__).parent / "library"
    return tuple(path.read_text(encoding="ascii") for path in sorted(folder.glob("*.flux")))


def _written(rng: Random) -> str:
    """A few lines of the standard library."""
    lines = rng.choice(_library()).splitlines(keepends=True)
    start = rng.randrange(len(lines))
    return "".join(lines[start : start + rng.randint(1, 12)])


# How often, how, what, and whether it is a file.
_KINDS: tuple[tuple[float, str, Callable[[Random], str], bool], ...] = (
    (25, "formula", formula, False),
    (14, "block", block, False),
    (10, "module", module, True),
    (20, "mutated formula", lambda rng: mutated(rng, formula(rng)), False),
    (9, "mutated block", lambda rng: mutated(rng, block(rng)), False),
    (7, "mutated module", lambda rng: mutated(rng, module(rng)), True),
    (4, "mutated library", lambda rng: mutated(rng, _written(rng)), True),
    (4, "noise", noise, False),
    (3, "noise as a file", noise, True),
    (0.5, "bomb", bomb, False),
)


def make(seed: int, index: int) -> Input:
    """Input `index` of `seed`: the same one each time, whatever came before."""
    rng = Random(f"{seed}/{index}")
    weights = [row[0] for row in _KINDS]
    _, how, text, is_module = rng.choices(_KINDS, weights)[0]
    return Input(how, text(rng), is_module, rng.randrange(1 << 32))
