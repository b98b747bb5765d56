"""Start and memory of whole processes: `import flux`, `flux eval`, and training `small`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bench.measure import ROOT, environment

pytestmark = [pytest.mark.bench, pytest.mark.usefixtures("machine_line")]

_REPEATS = 10
_FLUX = "import sys; from flux.cli import main; sys.exit(main())"
# What is run, and the most seconds of wall time that its median may take.
_STARTS = {
    "python, nothing": ("pass", [], None),
    "python, import numpy": ("import numpy", [], None),
    "import flux": ("import flux", [], 0.3),
    "flux eval 1+1": (_FLUX, ["eval", "1+1"], 0.5),
    "flux diff": (_FLUX, ["diff", "sin(x)*exp(-x)", "x"], None),
    "flux --help": (_FLUX, ["--help"], None),
}
_MOST_MB = 100


@pytest.mark.parametrize("name", _STARTS)
def test_a_process_starts_quickly(name: str) -> None:
    code, arguments, most = _STARTS[name]
    _seconds(code, arguments)  # the first one reads files from the disk
    found = [_seconds(code, arguments) for _ in range(_REPEATS)]
    median = statistics.median(found)
    print(f"\n{name}: {median:.3f} s, median of {_REPEATS}; the quickest {min(found):.3f} s")
    assert most is None or median < most


def _seconds(code: str, arguments: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(1),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_training_small_stays_small(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _FLUX, "train", "--out", str(tmp_path / "run")]
    command += ["--preset", "small", "--steps", "200"]
    with (tmp_path / "output").open("w") as output:
        training = subprocess.Popen(
            command, env=environment(1), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        peak_mb = 0.0
        while training.poll() is None:
            peak_mb = max(peak_mb, _peak_mb(training.pid))
            time.sleep(0.01)
    assert training.returncode == 0, (tmp_path / "output").read_text()
    print(f"\nflux train --preset small --steps 200: at most {peak_mb:.0f} MB resident")
    assert peak_mb < _MOST_MB


def _peak_mb(process: int) -> float:
    """The high-water mark of a process's own memory, since its program began."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0  # it has ended between the two looks
    return max((int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM")), default=0.0)
