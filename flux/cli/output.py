"""What a command prints: a line for people, or with --json one object for programs.

The object stands on one line of standard output; its `result` is the answer, formulas as texts of
the language, digits as texts, nan and infinities as the texts "nan", "inf" and "-inf". Further
keys say more, by the names that the Python interface has. An error is an object too, on standard
error, with `error` in place of `result`; the exit code is the same with and without --json.
"""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from flux.errors import FluxError

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, on one line.")


def show(as_json: bool, text: str, result: Any, **more: Any) -> None:
    """Print the text, or the object with the result and what else is known."""
    click.echo(_written({"result": result, **more}) if as_json else text)


def say(text: str, err: bool = False) -> None:
    """Print what a long command can do without: it goes on where that cannot be written."""
    try:
        click.echo(text, err=err)
    except OSError:
        from flux.training.progress import silence

        silence(sys.stderr if err else sys.stdout)


def typed(*words: str) -> str:
    """A command of Flux for the shell that this one was typed in: its words quoted, and found."""
    return shlex.join((*_program(), *words))


def _program() -> tuple[str, ...]:
    """How this process was started, unless the word `flux` finds the same."""
    begun = Path(sys.argv[0])
    found = shutil.which("flux")
    if begun.parts[-2:] == ("flux", "__main__.py") and found is None:
        return (Path(sys.executable).name, "-m", "flux")
    other = begun.stem == "flux" and (found is None or Path(found) != begun.absolute())
    return (sys.argv[0],) if other else ("flux",)


def plain_error(code: str, text: str) -> str:
    """An error without a place in a text, as one line of JSON."""
    return _written({"error": {"code": code, "text": text, "line": 0, "column": 0, "hint": ""}})


def error_object(error: FluxError) -> str:
    """An error, and those found after it in the same text, as one line of JSON."""
    first, *others = [_of_error(e) for e in error.errors]
    return _written({"error": {**first, "others": others} if others else first})


def _of_error(error: FluxError) -> dict[str, Any]:
    return {
        "code": error.code,
        "text": error.text,
        "line": error.line,
        "column": error.column,
        "hint": error.hint,
    }


def _written(answer: Mapping[str, Any]) -> str:
    return json.dumps(_plain(answer), ensure_ascii=True, allow_nan=False)


def _plain(value: Any) -> Any:
    """A value as JSON has it; the nesting is that of an answer, two or three deep."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return str(value)
