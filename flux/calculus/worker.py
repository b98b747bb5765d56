"""SymPy in a process of its own, kept from call to call, with a budget of time and memory.

A call hands over rows of expressions and gets rows back (`rows`), as JSON behind its length. The
process forks a child for each (`worker_fork`) and ends that past its seconds; where the system
cannot fork, it is ended itself, and another started at once. Nothing is interrupted in the caller,
whose threads may all call: they take turns. The process ends with its caller, however that ends: by
`atexit`, or because its input closes.

`worker_process` is what runs on the other side. Its hashes and random numbers are the same in every
run, and so are SymPy's answers.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flux.calculus.rows import from_rows, to_rows
from flux.errors import FluxError, LimitError, NotFoundError
from flux.expr import Expr
from flux.settings import current

_START_SECONDS = 60  # importing SymPy, which no budget counts
MEMORY_EXIT = 3  # exit code of a process that ended itself for its memory
LARGEST = 1 << 26  # bytes of one message
FORKS = hasattr(os, "fork")
OVERDUE = "overdue"  # what a process that forks says of a child that ran out of time
_GRACE_SECONDS = 0.5 if FORKS else 0.0  # for it to say so, before it is ended itself

# The search path comes as arguments: the process sees the modules that its caller sees.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; sys.argv[1:] = []; "
    "from flux.calculus.worker_process import serve; serve()"
)


_DEADLINE: ContextVar[float | None] = ContextVar("flux_worker_deadline", default=None)


@contextmanager
def budget(share: float = 1.0) -> Iterator[None]:
    """Let the calls of a block have, together, this part of the seconds of one call."""
    deadline = time.monotonic() + share * current().max_seconds
    token = _DEADLINE.set(min(deadline, _DEADLINE.get() or deadline))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def call(name: str, e: Expr, *arguments: str | Expr) -> list[Expr]:
    """What a row of `worker_process.CALLS` answers for an expression.

    Args:
        name: the row.
        e: an expression without axes.
        arguments: names, or further expressions.

    Raises:
        NotFoundError: there is no answer.
        LimitError: the call took longer, or more memory, than the settings `max_seconds` and
            `max_memory` allow.
    """
    request = {
        "call": name,
        "rows": to_rows(e),
        "arguments": [x if isinstance(x, str) else to_rows(x) for x in arguments],
        "memory": current().max_memory,
    }
    answer = _WORKER.ask(request)
    if "rows" in answer:
        return [from_rows(rows) for rows in answer["rows"]]
    if answer.get("failed") == "memory":
        limit = current().max_memory
        raise LimitError(
            f"SymPy needed more than {limit} MB (setting max_memory)",
            hint="a smaller formula, or numbers for some of its names",
        )
    raise NotFoundError(str(answer.get("failed", "SymPy has no answer")))


class Worker:
    """One process, started when it is first asked; requests take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            LimitError: it did not come in time.
            NotFoundError: the process ended by itself.
        """
        with self._turn:
            process = self._started()
            seconds = _seconds_left()
            answer = self._exchanged(process, {**request, "seconds": seconds}, seconds)
            if answer is None:
                self._launch()
                return _ended(process)
            if answer.get("failed") == OVERDUE:
                raise _overdue()
            if answer.get("failed") == "memory" and not FORKS:
                self._launch()  # what is left of it may be damaged
            return answer

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)

    def forget(self) -> None:
        """Leave the process to the parent that this process was forked from."""
        self._turn = threading.Lock()
        self._process, self._ready = None, False

    @property
    def pid(self) -> int | None:
        """The process's number, while there is one."""
        return None if self._process is None else self._process.pid

    def _started(self) -> subprocess.Popen[bytes]:
        """The process, once SymPy is imported there."""
        if self._process is None or self._process.poll() is not None:
            self._launch()
        assert self._process is not None
        if not self._ready:
            self._ready = bool(self._exchanged(self._process, {"call": "ready"}, _START_SECONDS))
        if not self._ready:
            raise FluxError("the process for SymPy does not start", hint="is SymPy installed?")
        return self._process

    def _launch(self) -> None:
        """Start a process in place of the one there is; it gets ready beside its caller."""
        self.stop()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-c", _PROGRAM, *map(os.path.abspath, sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError as error:
            raise FluxError("the process for SymPy cannot be started") from error

    def _exchanged(
        self, process: subprocess.Popen[bytes], request: Mapping[str, Any], seconds: float
    ) -> dict[str, Any] | None:
        """The answer; None where it did not come, and then the process is ended."""
        answer = None
        alarm = threading.Timer(seconds + _GRACE_SECONDS, _kill, (process,))
        alarm.daemon = True
        alarm.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            send(process.stdin, request)
            answer = receive(process.stdout)
        except OSError:  # the pipe of a process that was ended
            pass
        finally:
            alarm.cancel()
            if answer is None:  # also where the caller was interrupted
                self.stop()
        return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    _OVERDUE.add(process)
    process.kill()


_OVERDUE: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()  # ended by the clock


def _environment() -> dict[str, str]:
    """The caller's, without what changes Python itself, and with hashes that never change."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "0"}


def _seconds_left() -> float:
    """What a call may take now."""
    deadline = _DEADLINE.get()
    if deadline is None:
        return current().max_seconds
    if (left := deadline - time.monotonic()) <= 0:
        raise _overdue()
    return left


def _overdue() -> LimitError:
    return LimitError(
        f"SymPy needed more than {current().max_seconds} s (setting max_seconds)",
        hint="a smaller formula, numbers for some of its names, or more seconds",
    )


def _ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the end of a process means for the call that it was answering."""
    if process in _OVERDUE:
        raise _overdue()
    if process.returncode == MEMORY_EXIT:
        return {"failed": "memory"}
    raise NotFoundError("the process that ran SymPy ended")


def send(pipe: Any, message: Mapping[str, Any]) -> None:
    """Write a message: its length in four bytes, then JSON."""
    pipe.write(encoded(message))
    pipe.flush()


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as it is sent."""
    text = json.dumps(message).encode("ascii")
    return len(text).to_bytes(4, "big") + text


def decoded(sent: bytes) -> dict[str, Any] | None:
    """A message that came at once; None where it is not whole."""
    return receive(io.BytesIO(sent))


def receive(pipe: Any) -> dict[str, Any] | None:
    """Read a message; None where the other side has closed, or writes something else."""
    head = pipe.read(4)
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > LARGEST:
        return None
    text = pipe.read(size)
    if len(text) < size:
        return None
    message: dict[str, Any] = json.loads(text)
    return message


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:  # what was still to be written has no reader
        return


_WORKER = Worker()
atexit.register(_WORKER.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_WORKER.forget)
