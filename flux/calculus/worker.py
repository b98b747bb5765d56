"""SymPy in a process of its own, kept from call to call, with a budget of time and memory.

A call hands over rows of expressions and gets rows back (`rows`), as JSON behind its length. Past
its seconds the process is ended, and the next call starts another; nothing is interrupted in the
caller, whose threads may all call: they take turns. The process ends with its caller, however that
ends: by `atexit`, or because its input closes.

`worker_process` is what runs on the other side.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from typing import Any

from flux.calculus.rows import from_rows, to_rows
from flux.errors import FluxError, LimitError, NotFoundError
from flux.expr import Expr
from flux.settings import current

_START_SECONDS = 60  # importing SymPy, which no budget counts
MEMORY_EXIT = 3  # exit code of a process that ended itself for its memory
_LARGEST = 1 << 26  # bytes of one message

# The search path comes as arguments: the process sees the modules that its caller sees.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; sys.argv[1:] = []; "
    "from flux.calculus.worker_process import serve; serve()"
)


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
        "seconds": current().max_seconds,
    }
    answer = _WORKER.ask(request, current().max_seconds)
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

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            LimitError: it did not come in time; the process is then ended.
            NotFoundError: the process ended by itself.
        """
        with self._turn:
            process = self._started()
            answer = self._exchanged(process, request, seconds)
            if answer is None:
                return _ended(process, seconds)
            if answer.get("failed") == "memory":
                self.stop()  # what is left of it may be damaged
            return answer

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)

    def forget(self) -> None:
        """Leave the process to the parent that this process was forked from."""
        self._turn = threading.Lock()
        self._process = None

    @property
    def pid(self) -> int | None:
        """The process's number, while there is one."""
        return None if self._process is None else self._process.pid

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.stop()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, *map(os.path.abspath, sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise FluxError("the process for SymPy cannot be started") from error
        if self._exchanged(self._process, {"call": "ready"}, _START_SECONDS) is None:
            raise FluxError("the process for SymPy does not start", hint="is SymPy installed?")
        return self._process

    def _exchanged(
        self, process: subprocess.Popen[bytes], request: Mapping[str, Any], seconds: float
    ) -> dict[str, Any] | None:
        """The answer; None where it did not come, and then the process is ended."""
        answer = None
        alarm = threading.Timer(seconds, _kill, (process,))
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


def _ended(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    """What the end of a process means for the call that it was answering."""
    if process in _OVERDUE:
        raise LimitError(
            f"SymPy needed more than {seconds} s (setting max_seconds)",
            hint="a smaller formula, numbers for some of its names, or more seconds",
        )
    if process.returncode == MEMORY_EXIT:
        return {"failed": "memory"}
    raise NotFoundError("the process that ran SymPy ended")


def send(pipe: Any, message: Mapping[str, Any]) -> None:
    """Write a message: its length in four bytes, then JSON."""
    text = json.dumps(message).encode("ascii")
    pipe.write(len(text).to_bytes(4, "big") + text)
    pipe.flush()


def receive(pipe: Any) -> dict[str, Any] | None:
    """Read a message; None where the other side has closed, or writes something else."""
    head = pipe.read(4)
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > _LARGEST:
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
