"""`flux repl`: formulas, one after another, with definitions and values kept."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from flux import __version__
from flux.cli.session import Session
from flux.errors import FluxError

_PROMPT, _MORE = "flux> ", "  ... "
_HISTORY_LINES = 2_000


@click.command()
@click.option("--no-history", is_flag=True, help="Neither read nor write the history of lines.")
def command(no_history: bool) -> None:
    """Read formulas, values and definitions, and answer each.

    Tab completes names; the lines of earlier sessions are kept in the user's state folder. Ctrl-C
    drops a line, Ctrl-D ends. From a file or a pipe there are no prompts, errors go to standard
    error, and the exit code is 1 if there was one.

    \b
    flux repl
    echo "diff(sin(x)*x, x)" | flux repl
    """
    session = Session()
    if not sys.stdin.isatty():
        if not converse(session, _reader(), click.echo, _complain):
            raise click.exceptions.Exit(1)
        return
    click.echo(f"Flux {__version__}. `help` says what can be typed; Ctrl-D ends.")
    path = None if no_history else history_file(os.environ, sys.platform)
    with line_editing(session, path):
        converse(session, input, click.echo, click.echo)


def converse(
    session: Session,
    read: Callable[[str], str],
    answer: Callable[[str], object],
    complain: Callable[[str], object],
) -> bool:
    """Answer line after line until the session or the input ends; whether all went well."""
    good = True
    while not session.done:
        try:
            shown = session.feed(read(_MORE if session.pending else _PROMPT))
            if shown:
                answer(shown)
        except EOFError:
            return _end(session, answer, complain) and good
        except KeyboardInterrupt:
            session.cancel()
            answer("")
        except (FluxError, MemoryError) as error:
            complain(str(error) or "limit error: not enough memory")
            good = False
    return good


def _end(
    session: Session, answer: Callable[[str], object], complain: Callable[[str], object]
) -> bool:
    """The end of the input also ends a definition."""
    try:
        shown = session.feed("") if session.pending else ""
    except FluxError as error:
        complain(str(error))
        return False
    answer(shown)
    return True


def _reader() -> Callable[[str], str]:
    """Lines of the standard input, without prompts."""

    def read(_: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    return read


def _complain(text: str) -> None:
    click.echo(text, err=True)


# ---- Line editing --------------------------------------------------------------------------------


def history_file(environment: Mapping[str, str], platform: str) -> Path | None:
    """Where the lines of earlier sessions stand; None where the user has no folder.

    XDG_STATE_HOME, or ~/.local/state; on Windows LOCALAPPDATA.
    """
    chosen = environment.get("LOCALAPPDATA" if platform == "win32" else "XDG_STATE_HOME", "")
    if not Path(chosen).is_absolute():
        home = environment.get("USERPROFILE" if platform == "win32" else "HOME", "")
        if not Path(home).is_absolute():
            return None
        return Path(home) / ".local" / "state" / "flux" / "history"
    return Path(chosen) / "flux" / "history"


@contextlib.contextmanager
def line_editing(session: Session, path: Path | None) -> Iterator[None]:
    """Completion and history, where Python has readline; nothing without it."""
    readline = _readline()
    if readline is None:
        yield
        return
    readline.set_completer(_completer(session))
    readline.set_completer_delims(" \t\n()[]{},;:+-*/%^<>=!?&|`")
    bound = "bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete"
    readline.parse_and_bind(bound)
    _read_history(readline, path)
    try:
        yield
    finally:
        _write_history(readline, path)


def _readline() -> ModuleType | None:
    try:
        return import_module("readline")
    except ImportError:
        return None


def _completer(session: Session) -> Callable[[str, int], str | None]:
    def complete(start: str, number: int) -> str | None:
        found = session.completions(start)
        return found[number] if number < len(found) else None

    return complete


def _read_history(readline: ModuleType, path: Path | None) -> None:
    readline.set_history_length(_HISTORY_LINES)
    if path is not None:
        with contextlib.suppress(OSError, ValueError):
            readline.read_history_file(str(path))


def _write_history(readline: ModuleType, path: Path | None) -> None:
    if path is None:
        return
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        readline.write_history_file(str(path))
        path.chmod(0o600)
