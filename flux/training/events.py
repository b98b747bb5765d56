"""What a run measures, for TensorBoard: event files in its folder (the extra `tensorboard`).

A file is a sequence of records, each appended by one call: length, its checksum, an event, its
checksum. A run that goes on begins a file of its own, whose first events say from which step on the
earlier files do not count any more.

Source:
    TensorFlow, core/util/event.proto and core/lib/io/record_writer.h. The messages and the checksum
    are those of the library tensorboardX.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from time import time, time_ns
from typing import Any

from flux.errors import ArgumentError

EVENTS = "events.out.tfevents"  # what the name of a file begins with, for TensorBoard to find it
_VERSION = "brain.Event:2"  # from this one on, a later file takes steps back


class Events:
    """The event file of a run that goes on from a step.

    Args:
        folder: the run's.
        step: steps done.

    Raises:
        ArgumentError: tensorboardX is not installed.
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        library = _library()
        # TensorBoard reads files in the order of their names.
        self._path = folder / f"{EVENTS}.{time_ns():020d}"
        self._add(file_version=_VERSION)
        start = library.SessionLog(status=library.SessionLog.START)
        self._add(session_log=start, step=step + 1)

    def add(self, row: Mapping[str, Any]) -> None:
        """Append the numbers of a row, those that are finite, at its step.

        Raises:
            OSError: it cannot be written.
        """
        from tensorboardX.proto.summary_pb2 import Summary

        numbers = {name: value for name, value in row.items() if _is_shown(name, value)}
        values = [Summary.Value(tag=name, simple_value=x) for name, x in numbers.items()]
        self._add(summary=Summary(value=values), step=row["step"])

    def _add(self, **fields: Any) -> None:
        event = _library().Event(wall_time=time(), **fields)
        with self._path.open("ab", buffering=0) as file:
            file.write(_record(event.SerializeToString()))


def _is_shown(name: str, value: Any) -> bool:
    return name != "step" and isinstance(value, int | float) and isfinite(value)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    from tensorboardX.record_writer import masked_crc32c

    return struct.pack("<I", masked_crc32c(content))


def _library() -> Any:
    try:
        from tensorboardX.proto import event_pb2
    except ImportError:
        raise ArgumentError(
            "events for TensorBoard are written by tensorboardX, which is not installed",
            hint="pip install 'fluxparser[tensorboard]', or leave tensorboard = true out",
        ) from None
    return event_pb2
