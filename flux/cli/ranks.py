"""One command in several processes: the first one speaks, and none is left waiting for another.

`mpiexec -n 2 flux train ...` starts the command twice. What all ranks fail of (a missing file, a
loss that is not finite) is told once; where one alone fails, it says so and ends the others too.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from typing import TYPE_CHECKING, TextIO

import click

from flux.errors import FluxError

if TYPE_CHECKING:
    from flux.training import Ranks


@contextmanager
def ranks_of_command() -> Iterator[Ranks]:
    """The ranks that run this command together; those behind the first say nothing from here on.

    Raises:
        ArgumentError: there are several, and mpi4py is not installed.
    """
    from flux.training.ranks import mpi_ranks

    ranks = mpi_ranks()
    heard = sys.stderr
    if ranks.number:
        sys.stdout = sys.stderr = _Silence()
    try:
        yield ranks
    except SystemExit:
        raise  # all ranks stop at one step
    except BaseException as error:
        if not ranks.all_fail():
            _tell(ranks, error, heard)
            ranks.end(1)
        raise


class _Silence(TextIOBase):
    """Where words go that nobody hears."""

    def write(self, text: str) -> int:
        """Drop them."""
        return len(text)


def _tell(ranks: Ranks, error: BaseException, heard: TextIO) -> None:
    if isinstance(error, FluxError | click.ClickException):
        click.echo(f"rank {ranks.number} of {ranks.count}: {error}", file=heard)
    else:
        traceback.print_exception(error, file=heard)
    heard.flush()
