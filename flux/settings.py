"""Every setting: its default, its environment variable and its meaning, one row each.

Settings are read from the environment (`FLUX_` and the name in capitals) when one is first asked
for, and can be changed for a block of code with `override`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import cache

from flux.errors import ArgumentError, did_you_mean


@dataclass(frozen=True)
class Settings:
    """The settings in force.

    Attributes:
        max_source_bytes: length of a source text.
        max_depth: nesting of brackets and prefix operators, as height of the parser's stack.
        max_nodes: nodes of one expression, sharing counted once.
        max_names: different names in one text.
        max_literal: digits of one number, or of its exponent.
        max_errors: errors reported for one text.
        max_steps: rewriting steps of one symbolic call.
        max_digits: that a value may be asked for.
        max_seconds: of one call of SymPy (integration), in a process of its own; of one value to
            many digits.
        max_memory: megabytes that such a call may take beyond the idle process.
        row_block: rows that a compiled function runs at a time.
        verify: check a Program after every pass (on in the tests).
        cache: the folder of tokenised texts; empty for the user's own cache folder.
        arithmetic: of many digits: arb (python-flint), mpmath, or auto, the first that is there.
        dump: a stage to print on standard error while compiling: ast, expr, gradient, program.
    """

    max_source_bytes: int = 256 * 1024
    max_depth: int = 2_500
    max_nodes: int = 200_000
    max_names: int = 20_000
    max_literal: int = 400
    max_errors: int = 20
    max_steps: int = 200_000
    max_digits: int = 100_000
    max_seconds: int = 2
    max_memory: int = 512
    row_block: int = 65_536
    verify: bool = False
    cache: str = ""
    arithmetic: str = "auto"
    dump: str = ""


@cache
def _from_environment() -> Settings:
    changes: dict[str, object] = {}
    for field in fields(Settings):
        text = os.environ.get(f"FLUX_{field.name.upper()}")
        if text is not None:
            changes[field.name] = _convert(field.name, field.type, text)
    return replace(Settings(), **changes)  # type: ignore[arg-type]  # checked by _convert


def _convert(name: str, kind: object, text: str) -> object:
    if kind in (str, "str"):
        return text
    if not text.isascii() or not text.isdigit():
        raise ArgumentError(f"setting FLUX_{name.upper()} must be a whole number, not {text!r}")
    return bool(int(text)) if kind in (bool, "bool") else int(text)


_CURRENT: ContextVar[Settings | None] = ContextVar("flux_settings", default=None)


def current() -> Settings:
    """The settings in force here."""
    return _CURRENT.get() or _from_environment()


@contextmanager
def override(**changes: object) -> Iterator[Settings]:
    """Change settings for a block of code.

    Raises:
        ArgumentError: a setting of that name does not exist.
    """
    names = [field.name for field in fields(Settings)]
    for name in changes:
        if name not in names:
            raise ArgumentError(f"no setting `{name}`", hint=did_you_mean(name, names))
    token = _CURRENT.set(replace(current(), **changes))  # type: ignore[arg-type]  # names checked
    try:
        yield current()
    finally:
        _CURRENT.reset(token)
