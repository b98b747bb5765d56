"""A polygenic score from a .bed with missing calls, beside PLINK 2: time, memory, and its growth.

Each run is a process of its own, from its start to its end, files and all. On one thread the clock
is the CPU time of the process, on two the wall.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pytest

from tests.bench.measure import ROOT, environment, figure, line, table

pytestmark = pytest.mark.bench

PEOPLE, VARIANTS, SCORES = 20_000, 100_000, 10
_ROUNDS = 3
_POOL = 64  # rows of genotypes that are drawn; each variant's row is one of them, turned
_PAIRS = ("A\tG", "C\tT", "G\tA", "T\tC")
_MOST_MB = 1_000


class Run(NamedTuple):
    """What a process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def simulated(folder: Path, variants: int) -> Path:
    """A cohort with 2% of its calls missing, and weights."""
    random = np.random.default_rng(1)
    share = random.uniform(0.05, 0.95, (_POOL, 1))
    u = random.random((_POOL, PEOPLE))
    code = np.select([u < share**2, u < share * (2 - share)], [0, 2], 3).astype(np.uint8)
    code[random.random(code.shape) < 0.02] = 1
    four = code.reshape(_POOL, -1, 4)
    rows = four[..., 0] | four[..., 1] << 2 | four[..., 2] << 4 | four[..., 3] << 6
    stem = folder / f"c{variants}"
    with Path(f"{stem}.bed").open("wb") as file:
        file.write(bytes([0x6C, 0x1B, 1]))
        for i in range(variants):
            file.write(np.roll(rows[i % _POOL], int(random.integers(PEOPLE // 4))).tobytes())
    with Path(f"{stem}.bim").open("w") as file:
        file.writelines(f"1\trs{i}\t0\t{i + 1}\t{_PAIRS[i % 4]}\n" for i in range(variants))
    with Path(f"{stem}.fam").open("w") as file:
        file.writelines(f"F{i} I{i} 0 0 {1 + i % 2} -9\n" for i in range(PEOPLE))
    weights = random.normal(0, 0.01, (variants, SCORES))
    with Path(f"{stem}.w").open("w") as one, Path(f"{stem}.ten").open("w") as ten:
        ten.write("\t".join(["ID", "A1", *(f"w{s}" for s in range(SCORES))]) + "\n")
        for i, row in enumerate(weights):
            allele = _PAIRS[i % 4][0 if i % 3 else 2]
            one.write(f"rs{i}\t{allele}\t{row[0]:.6g}\n")
            ten.write(f"rs{i}\t{allele}\t" + "\t".join(f"{w:.6g}" for w in row) + "\n")
    return stem


def run(command: Sequence[str], threads: int) -> Run:
    """Run a command to its end."""
    chosen = environment(threads) | {"PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    number = os.posix_spawn(command[0], command, chosen, file_actions=quiet)
    _, status, used = os.wait4(number, 0)
    assert status == 0, command
    wall_s = time.perf_counter() - start
    return Run(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024)


def commands(stem: Path, threads: int, many: bool) -> dict[str, list[str]]:
    """How each of those who are there scores the cohort."""
    flux = [sys.executable, "-m", "flux", "prs", "--genotypes", f"{stem}.bed"]
    flux += ["--weights", f"{stem}.{'ten' if many else 'w'}", "-o", f"{stem}.sscore"]
    flux += ["--threads", str(threads)]
    flux += [part for s in range(SCORES) for part in ("--column", f"w{s}")] if many else []
    found = {"flux": flux}
    plink = shutil.which("plink2")
    if plink is not None:
        score = ["--score", f"{stem}.{'ten' if many else 'w'}", *(["header-read"] if many else [])]
        columns = ["--score-col-nums", f"3-{2 + SCORES}"] if many else []
        found["PLINK 2"] = [plink, "--bfile", str(stem), *score, "cols=+scoresums", *columns]
        found["PLINK 2"] += ["--threads", str(threads), "--out", f"{stem}.plink"]
    return found


def sums(path: Path) -> np.ndarray:
    """The last column of a table of scores."""
    lines = [row for row in path.read_text().splitlines() if not row.startswith("##")]
    return np.array([float(row.rsplit("\t", 1)[1]) for row in lines[1:]])


@pytest.fixture(scope="module")
def stem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("polygenic"), VARIANTS)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_score_beside_plink(stem: Path, threads: int, many: bool, machine_line: None) -> None:
    who = commands(stem, threads, many)
    taken: dict[str, list[Run]] = {name: [] for name in who}
    for _ in range(_ROUNDS):
        for name, command in who.items():
            taken[name].append(run(command, threads))
    print(f"\n{SCORES if many else 1} scores, {PEOPLE:,} x {VARIANTS:,}, {threads} threads")
    print(table(["", "CPU s", "wall s", "peak MB"], []))
    for name, runs in taken.items():
        print(line([name, *(figure(median(column)) for column in zip(*runs, strict=True))]))
    assert max(one.peak_mb for one in taken["flux"]) < _MOST_MB
    if "PLINK 2" in taken:
        mine, theirs = sums(Path(f"{stem}.sscore")), sums(Path(f"{stem}.plink.sscore"))
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
        pairs = zip(taken["flux"], taken["PLINK 2"], strict=True)
        clock = "cpu_s" if threads == 1 else "wall_s"
        at = Run._fields.index(clock)
        ratio = median(mine[at] / theirs[at] for mine, theirs in pairs)
        print(f"flux takes {ratio:.2f} of PLINK's time ({clock})")
        assert ratio < 1


def test_the_time_grows_with_the_variants(tmp_path: Path, machine_line: None) -> None:
    """The time of the part that grows, over its size, for two doublings."""
    sizes = (VARIANTS // 8, VARIANTS // 4, VARIANTS // 2)
    stems = [simulated(tmp_path, size) for size in sizes]
    taken: list[list[float]] = [[] for _ in sizes]
    for _ in range(_ROUNDS):
        for i, one in enumerate(stems):
            taken[i].append(run(commands(one, 1, False)["flux"], 1).cpu_s)
    seconds = [min(column) for column in taken]
    print(f"\n{table(['variants', *(f'{size:,}' for size in sizes)], [])}")
    print(line(["CPU s", *map(figure, seconds)]))
    first, second = seconds[1] - seconds[0], seconds[2] - seconds[1]
    assert 1.5 < second / first < 2.7  # twice the variants more, twice the time more
