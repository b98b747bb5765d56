"""A child for each request of `worker_process`, where the system can fork.

The child begins with SymPy imported and nothing else done, so an answer depends on its request
alone. It ends with its answer or at its clock; the process that forks it stays ready, so that the
call after one that ran out of time waits for nothing.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from flux.calculus.worker import LARGEST, MEMORY_EXIT, OVERDUE, decoded, encoded

Answer = dict[str, Any]
_CHUNK = 1 << 16


def answer_in_child(
    request: Mapping[str, Any], answer: Callable[[Mapping[str, Any]], Answer], caller: int
) -> Answer:
    """What `answer` makes of a request, in a child, within the request's seconds.

    Args:
        request: with "seconds".
        answer: what the child runs.
        caller: the file descriptor that requests come from; where it closes, this process ends.
    """
    deadline = time.monotonic() + request["seconds"]
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        _run(request, answer, write_end)
    os.close(write_end)
    try:
        text = _collected(read_end, caller, deadline)
    finally:
        os.close(read_end)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if text is None:
        return {"failed": OVERDUE}
    return decoded(text) or _ended(status)


def _run(request: Mapping[str, Any], answer: Callable[..., Answer], write_end: int) -> None:
    """The child: it answers and ends, and returns to nothing of its parent."""
    code = 1
    try:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(encoded(answer(request)))
        code = 0
    except MemoryError:
        code = MEMORY_EXIT
    finally:
        os._exit(code)


def _collected(read_end: int, caller: int, deadline: float) -> bytes | None:
    """What the child writes until it closes its end; None at the deadline."""
    text = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([read_end, caller], [], [], left)
        if caller in ready:  # nobody asks twice at once: it is gone
            raise EOFError
        if ready:
            part = os.read(read_end, _CHUNK)
            text += part
            if not part or len(text) > LARGEST:
                return bytes(text)
    return None


def _ended(status: int) -> Answer:
    if os.waitstatus_to_exitcode(status) == MEMORY_EXIT:
        return {"failed": "memory"}
    return {"failed": "the process that ran SymPy ended"}
