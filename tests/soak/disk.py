"""A disk that fills up while a run trains: it trains on, says so, and goes on once there is space.

The disk is a small tmpfs in a mount namespace of its own. Where that is not allowed, the limit on
the size of files stands in for it, and the figures say so.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flux.training import generations
from tests.soak.kills import arguments, go_on, quietly, reference

_SIZE = "6M"
_MOUNTED = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
_TRIES = 20
_FEW_BYTES = 4096  # no checkpoint is that small


def soak(folder: Path) -> str:
    """Fill the disk under a run; the figures."""
    place = folder / "disk"
    place.mkdir()
    command = [sys.executable, "-m", "tests.soak.disk", str(folder)]
    for namespace in (["unshare", "--mount"], ["unshare", "-r", "--mount"]):
        if shutil.which("unshare") and _may_mount(namespace, place):
            words = [*namespace, "sh", "-c", _MOUNTED, "sh", _SIZE, str(place), *command, "full"]
            return f"a tmpfs of {_SIZE}iB: {_told(words)}"
    return f"no tmpfs may be mounted; a limit on the size of files: {_told([*command, 'limit'])}"


def _may_mount(namespace: list[str], place: Path) -> bool:
    words = [*namespace, "sh", "-c", _MOUNTED, "sh", _SIZE, str(place), "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _told(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _inside(folder: Path, stop: Callable[[Path, subprocess.Popen[str]], Callable[[], None]]) -> str:
    """Train on the disk, stop its writes on the way, and go on when they work again."""
    whole = quietly(lambda: reference(folder))
    (folder / "disk" / "text.txt").write_bytes((folder / "text.txt").read_bytes())
    for number in range(_TRIES):
        name = f"run-{number}"
        code, err, step = _train(folder / "disk", name, stop)
        if code == 1:
            break
    assert code == 1, f"the disk was never full in time; the last run ended with {code}"
    said = err.strip().splitlines()
    failed = [line for line in said if "training goes on, and the next save tries again" in line]
    assert failed, err
    assert any(line.startswith("data error: cannot save") for line in said), err
    assert "Traceback" not in err
    assert quietly(lambda: go_on(folder / "disk", name)) == whole, "other bits"
    return (
        f"{len(failed)} saves failed and training went on; the last one ended it with a message;"
        f" the checkpoint of step {step} was whole, and went on to the bits of an undisturbed run"
    )


def _train(
    disk: Path, name: str, stop: Callable[[Path, subprocess.Popen[str]], Callable[[], None]]
) -> tuple[int, str, int]:
    """The exit code of a run whose disk fills up, what it says, and the step that is saved."""
    command = [sys.executable, "-c", "from flux.cli import main; main()", *arguments(disk, name)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as job:
        while job.poll() is None and not (disk / name / generations.CHECKPOINT).exists():
            time.sleep(0.001)
        free = stop(disk, job)
        _, err = job.communicate()
    step = generations.load_newest(disk / name)[0].about["step"]
    free()
    return job.returncode, err, step


def _full(disk: Path, _job: subprocess.Popen[str]) -> Callable[[], None]:
    """Fill the disk to its last byte."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(b"0")
    return filler.unlink


def _limit(_disk: Path, job: subprocess.Popen[str]) -> Callable[[], None]:
    """Let the process write short files only."""
    with suppress(ProcessLookupError):
        resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (_FEW_BYTES, _FEW_BYTES))
    return lambda: None


if __name__ == "__main__":
    print(_inside(Path(sys.argv[1]), {"full": _full, "limit": _limit}[sys.argv[2]]))
