"""The entry point: environment, command, errors, exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import click

from flux.cli.commands import flux
from flux.cli.machine import choose_kernels, cpu_flags
from flux.cli.output import error_object, plain_error
from flux.errors import FluxError

USER_ERROR, USAGE, INTERRUPTED, TERMINATED = 1, 2, 130, 143


class Terminated(BaseException):
    """SIGTERM arrived; a command that saves its work catches this one and KeyboardInterrupt."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.stdout = sys.stdout or _nowhere()  # whoever started this may have closed them
    sys.stderr = sys.stderr or _nowhere()
    choose_kernels(os.environ, cpu_flags())
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        code = flux.main(
            args=None if arguments is None else list(arguments),
            prog_name="flux",
            standalone_mode=False,
        )
    except FluxError as error:
        click.echo(error_object(error) if _asks_for_json(arguments) else str(error), err=True)
        return USER_ERROR
    except MemoryError:
        text = "not enough memory"
        shown = plain_error("limit", text) if _asks_for_json(arguments) else f"limit error: {text}"
        click.echo(shown, err=True)
        return USER_ERROR
    except click.ClickException as error:
        if _asks_for_json(arguments):
            click.echo(plain_error("usage", error.format_message()), err=True)
        else:
            error.show()
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Terminated:
        click.echo("terminated", err=True)
        return TERMINATED
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return _unwritten(error)
    return code if isinstance(code, int) else 0


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _asks_for_json(arguments: Sequence[str] | None) -> bool:
    return "--json" in (sys.argv[1:] if arguments is None else arguments)


def _reader_left() -> int:
    # `flux show ... | head`: the interpreter would complain again when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _unwritten(error: OSError) -> int:
    """Files are looked after where they are read and written: what is left is the answer itself."""
    from flux.training.progress import silence

    if error.filename is None:
        silence(sys.stdout)
    what = "write the answer" if error.filename is None else f"use {error.filename!r}"
    with suppress(OSError):
        click.echo(f"data error: cannot {what}: {error.strerror or error}", err=True)
    return USER_ERROR


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated
