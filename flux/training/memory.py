"""Whether a Program fits into the machine's memory: asked before anything is allocated."""

from __future__ import annotations

import os
from collections.abc import Collection

from flux.errors import LimitError
from flux.program import Program, Role

_SHARE = 0.8  # of the machine's memory that one Program may take


def needed_bytes(program: Program, elsewhere: Collection[str] = ()) -> int:
    """What a run holds: the arena, and the buffers of inputs, outputs and state.

    Args:
        program: which is run.
        elsewhere: names of buffers that another Program holds.
    """
    inside = (Role.TEMPORARY, Role.CONSTANT)
    buffers = (b for b in program.entry.buffers if b.role not in inside)
    return program.arena_bytes + sum(b.bytes for b in buffers if b.name not in elsewhere)


def physical_bytes() -> int:
    """The machine's memory; 0 where the platform does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def check_memory(program: Program) -> None:
    """Refuse a Program that the machine cannot hold.

    Raises:
        LimitError: it needs more than most of the machine's memory.
    """
    check_bytes(needed_bytes(program))


def check_bytes(needed: int) -> None:
    """Refuse what the machine cannot hold.

    Raises:
        LimitError: it is more than most of the machine's memory.
    """
    present = physical_bytes()
    if present and needed > _SHARE * present:
        raise LimitError(
            f"a step needs {_gigabytes(needed)} of memory; the machine has {_gigabytes(present)}",
            hint="a smaller batch, context or width needs less",
        )


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
