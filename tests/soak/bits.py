"""Runs of one seed, each in a process of its own: for each number of threads, one set of bits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from flux.training import CHECKPOINT, checkpoint

_WAYS = ("1", "2", "batch:2", "blas:2")
# Large enough for each way to share something out.
_SIZES = {"width": 256, "heads": 4, "layers": 1, "feed-forward": 1024, "context": 64, "batch": 16}
_STEPS = 4


def soak(folder: Path, runs: int) -> str:
    """Run as often in each way; the figures."""
    (folder / "text.txt").write_text("the cat sat on a mat, the dog on a log\n" * 400)
    found: dict[str, set[str]] = {}
    for way in _WAYS:
        found[way] = set()
        for number in range(1, runs + 1):
            found[way].add(_digest(folder, way))
            print(f"\r--threads {way}: {number}/{runs} ", end="", file=sys.stderr, flush=True)
        assert len(found[way]) == 1, f"--threads {way} gave {len(found[way])} sets of bits"
    assert found["1"] == found["2"], "Flux's own threads changed bits"
    return f"{runs} runs of one seed have the same bits with --threads {', '.join(_WAYS)} each"


def _digest(folder: Path, way: str) -> str:
    out = folder / "run"
    words = ["train", "--preset", "tiny", "--data", str(folder / "text.txt"), "--threads", way]
    words += [word for name, size in _SIZES.items() for word in (f"--{name}", str(size))]
    words += ["--steps", str(_STEPS), "--out", str(out)]
    command = [sys.executable, "-c", "from flux.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    arrays = checkpoint.load(out / CHECKPOINT).arrays
    shutil.rmtree(out)
    digest = sha256()
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
