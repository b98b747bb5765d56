"""A text that is larger than the memory that a run may take: it trains, and resumes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

_BLOCK = 1 << 22  # bytes of different lines, which are repeated
_LIMIT = 512 << 20  # of memory that a process may have to itself
_STEPS = 40
_CHILD = """
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
from flux.cli.entry import run
code = run(sys.argv[2:])
rows = dict(line.split(":") for line in open("/proc/self/status"))
print("PEAK", int(rows["VmHWM"].split()[0]) * 1024)
sys.exit(code)
"""


def soak(folder: Path, gigabytes: float) -> str:
    """Train on a text of that size with little memory, and go on; the figures."""
    path, size = folder / "text.txt", int(gigabytes * 1e9)
    _write(path, size)
    words = ["train", "--preset", "small", "--steps", str(_STEPS), "--data", str(path)]
    out = ["--out", str(folder / "run")]
    peak, first_s = _run(folder, [*words, *out])
    again, later_s = _run(folder, ["train", "--resume", out[1], "--steps", str(2 * _STEPS)])
    most = max(peak, again)
    assert most < min(_LIMIT, size), f"{most} bytes of {size} were resident"
    return (
        f"{gigabytes:g} GB of text trained in {first_s:,.0f} s, went on in {later_s:,.0f} s;"
        f" memory limited to {_LIMIT >> 20} MB, resident at most {most / 1e6:,.0f} MB"
    )


def _write(path: Path, size: int) -> None:
    choice = random.Random(0)
    words = ["".join(choice.choices("abcdefghijklmnopqrstuvwxyz", k=n % 9 + 1)) for n in range(999)]
    lines = (" ".join(choice.choices(words, k=9)) for _ in range(_BLOCK // 40))
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(-(-size // len(block))):
            file.write(block)


def _run(folder: Path, words: list[str]) -> tuple[int, float]:
    """The most memory that was resident, and the seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(_LIMIT), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FLUX_CACHE": str(folder / "cache")},
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.strip().splitlines()[-1]
    return int(shown.removeprefix("PEAK ")), time.monotonic() - begun
