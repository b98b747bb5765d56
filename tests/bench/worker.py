"""A process that measures one competitor: requests are lines of JSON, and so are replies.

`python -m tests.bench.worker MODULE CORES` pins itself to that many cores, then serves the table
COMPETITORS of the module. Requests: `{"prepare": name, ...task}` builds something to call, and
`{"run": times}` calls it that often and says what that took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

Call = Callable[[], Any]
Reply = Mapping[str, Any]


def main(module: str, cores: str) -> None:
    """Serve until the requests end."""
    replies = _replies()
    _pin(int(cores))
    competitors: Mapping[str, Callable[..., Call]] = import_module(module).COMPETITORS
    call: Call = int
    for request in _requests():
        if "run" in request:
            reply = _run(call, request["run"])
        else:
            call, reply = _prepare(competitors, request)
        print(json.dumps(reply), file=replies, flush=True)


def _replies() -> TextIO:
    """The standard output; what competitors print goes to the standard error instead."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _requests() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        yield json.loads(line)


def _pin(cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def _prepare(
    competitors: Mapping[str, Callable[..., Call]], request: dict[str, Any]
) -> tuple[Call, Reply]:
    name = request.pop("prepare")
    try:
        call = competitors[name](**request)
        return call, {"note": getattr(call, "note", "")}
    except ModuleNotFoundError as error:
        return int, {"missing": f"{error.name} is not installed"}
    except NotImplementedError as error:
        return int, {"missing": str(error)}


def _run(call: Call, times: int) -> Reply:
    value: Any = None
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        value = call()
    if hasattr(value, "block_until_ready"):
        value.block_until_ready()  # JAX returns before it is done
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "value": _number(value), "peak_mb": _peak_mb()}


def _number(value: Any) -> float | None:
    """What the result is checked by: a number, or the mean of an array's first thousand."""
    if hasattr(value, "__array__") and getattr(value, "ndim", 0):
        import numpy as np

        return float(np.mean(np.asarray(value).reshape(-1)[:1000], dtype=np.float64))
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None  # an expression: nothing to compare


def _peak_mb() -> float:
    """The most memory this process has had resident; NaN where the platform does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else float("nan")


if __name__ == "__main__":
    main(*sys.argv[1:])
