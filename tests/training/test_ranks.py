"""Training by several processes: the sums, the steps, and what becomes of the run when one dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flux.cli.entry import run
from flux.errors import ArgumentError, DataError
from flux.training import CHECKPOINT, checkpoint, load_language_model, mpi_ranks, read_run
from flux.training.metrics import METRICS, read_metrics
from flux.training.ranks import (
    ALONE,
    Alone,
    Processes,
    any_of,
    check_alike,
    launched,
    mean_of,
    part_of,
)
from tests.reliability.bounds import PATIENCE_S

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
SMALL = ["--preset", "tiny", "--width", "16", "--context", "16", "--batch", "4"]
SMALL += ["--learning-rate", "0.01", "--set", "warm_up=5", "--set", "evaluate_every=10"]
STEPS = 20
# The launcher of the environment that the tests run in, else any.
LAUNCHER = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
FLUX = [sys.executable, "-c", "from flux.cli import main; main()"]


def _has_mpi() -> bool:
    """Whether mpi4py loads; asked of another process, since MPI begins where it is loaded."""
    asked = subprocess.run([sys.executable, "-c", "from mpi4py import MPI"], capture_output=True)
    return asked.returncode == 0


needs_mpi = pytest.mark.skipif(
    LAUNCHER is None or not _has_mpi(), reason="needs mpi4py, an MPI, and its mpiexec"
)


def _start(words: list[str], count: int = 2) -> subprocess.Popen[str]:
    assert LAUNCHER is not None
    # Open MPI starts neither as root nor more processes than cores unless it is told to.
    allowed = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_ALLOW_RUN_AS_ROOT": "1",
        "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    return subprocess.Popen(
        [LAUNCHER, "-n", str(count), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **allowed},
        start_new_session=True,
    )


def _finish(job: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = job.communicate(timeout=PATIENCE_S)
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
            job.communicate()
    return job.returncode, out, err


def _train(*words: str, count: int = 2) -> tuple[int, str, str]:
    return _finish(_start([*FLUX, "train", *words], count))


def _words(folder: Path, name: str, steps: int = STEPS) -> list[str]:
    data, out = str(folder / "text.txt"), str(folder / name)
    return [*SMALL, "--data", data, "--out", out, "--steps", str(steps)]


def _final(folder: Path, name: str) -> checkpoint.Checkpoint:
    return checkpoint.load(folder / name / CHECKPOINT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a run of one process, and the same run of two."""
    made = tmp_path_factory.mktemp("ranks")
    (made / "text.txt").write_text(TEXT, encoding="utf-8")
    assert run(["train", *_words(made, "one")]) == 0
    if LAUNCHER is not None and _has_mpi():
        code, out, err = _train(*_words(made, "two"))
        assert code == 0, err
        (made / "two.out").write_text(out, encoding="utf-8")
        (made / "two.err").write_text(err, encoding="utf-8")
    return made


# --- in one process ----------------------------------------------------------------------------


class Other(Alone):
    """One of several ranks, whose others hold what is given."""

    def __init__(self, number: int, others: list[Any]) -> None:
        self.number, self.count = number, len(others) + 1  # type: ignore[misc]
        self._others = others

    def add(self, array: Any) -> None:
        for other in self._others:
            array += other

    def copy(self, array: Any) -> None:
        array[...] = self._others[0]


@pytest.mark.parametrize(
    ("environment", "several"),
    [
        ({}, False),
        ({"PMI_SIZE": "1"}, False),
        ({"PMI_SIZE": ""}, False),
        ({"PMI_SIZE": "2"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "16"}, True),
    ],
)
def test_a_launcher_is_known_by_what_it_tells(environment: dict[str, str], several: bool) -> None:
    assert launched(environment) is several


def test_without_a_launcher_one_process_is_alone() -> None:
    assert mpi_ranks() is ALONE
    vector = np.arange(3.0)
    ALONE.add(vector)
    ALONE.copy(vector)
    assert vector.tolist() == [0, 1, 2]


def test_without_mpi4py_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(ArgumentError, match="mpi4py") as caught:
        mpi_ranks()
    assert "fluxparser[mpi]" in str(caught.value)


def test_answers_are_those_of_all_ranks() -> None:
    assert any_of(Other(0, [0, 1]), False)
    assert any_of(Other(0, [0, 0]), True)
    assert not any_of(Other(0, [0, 0]), False)
    assert mean_of(Other(1, [2.0, 6.0]), 1.0) == 3.0


def test_ranks_that_differ_are_refused() -> None:
    check_alike(ALONE, 5, "data")
    with pytest.raises(DataError, match="the ranks have different data"):
        check_alike(Other(1, [7]), 5, "data")


@pytest.mark.parametrize(("whole", "count"), [(4, 1), (4, 2), (12, 3), (5, 5)])
def test_parts_are_the_whole_batch_in_order(whole: int, count: int) -> None:
    batch = list(range(whole))
    parts = [batch[part_of(Other(n, [0] * (count - 1)), whole, "rows")] for n in range(count)]
    assert [row for part in parts for row in part] == batch
    assert len({len(part) for part in parts}) == 1


@pytest.mark.parametrize(("whole", "count", "hint"), [(5, 2, 4), (1, 2, 2), (2, 3, 3), (7, 2, 8)])
def test_a_batch_without_equal_parts_is_refused(whole: int, count: int, hint: int) -> None:
    with pytest.raises(ArgumentError, match="cannot share a batch") as caught:
        part_of(Other(0, [0] * (count - 1)), whole, "rows")
    assert f"--batch {hint};" in caught.value.hint


class LostError(Exception):
    """What MPI raises where another process is gone."""


def _lost(*_: object) -> None:
    raise LostError("peer is gone")


def test_ranks_that_lose_one_another_say_so() -> None:
    world = SimpleNamespace(
        Get_rank=lambda: 0, Get_size=lambda: 2, Allreduce=_lost, Bcast=_lost, Ibarrier=_lost
    )
    world.Dup = lambda: world
    ranks = Processes(SimpleNamespace(IN_PLACE=None, SUM=None, Exception=LostError), world)
    for act in (ranks.add, ranks.copy):
        with pytest.raises(DataError, match="lost one another: peer is gone"):
            act(np.zeros(1))
    assert not ranks.all_fail()


# Writes the number of its process into a file of its rank's before it trains.
_MARKED = """
import os, pathlib, sys
rank = os.environ.get("PMI_RANK") or os.environ["OMPI_COMM_WORLD_RANK"]
pathlib.Path(sys.argv.pop(1) + rank).write_text(str(os.getpid()))
from flux.cli import main
main()
"""


def _begun(job: subprocess.Popen[str], folder: Path, name: str) -> list[int]:
    """The processes of both ranks, once the run has saved."""
    until = time.monotonic() + PATIENCE_S
    while not (folder / name / CHECKPOINT).exists():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    return [int((folder / f"{name}-{rank}").read_text()) for rank in range(2)]


# --- in two ------------------------------------------------------------------------------------


@needs_mpi
def test_two_ranks_of_half_batches_train_as_one_of_the_full_batch(folder: Path) -> None:
    one, two = (load_language_model(folder / name).model.parameters for name in ("one", "two"))
    for path, array in one.items():
        # A bias of keys has no gradient: Adam makes whole steps of what rounding leaves of it.
        if not path.endswith(".bk"):
            np.testing.assert_allclose(two[path], array, rtol=0, atol=1e-5, err_msg=path)
    rows = [read_metrics(folder / name / METRICS) for name in ("one", "two")]
    for field in ("loss", "validation", "gradient_norm", "learning_rate"):
        values = [{row["step"]: row[field] for row in found} for found in rows]
        for step in (10, 20):
            assert values[0][step] == pytest.approx(values[1][step], rel=1e-4), field
    assert [_final(folder, name).about["ranks"] for name in ("one", "two")] == [1, 2]


_TRAINED = """
import sys
import numpy as np
from flux.training import Trainer, mpi_ranks
from tests.gpt_models import batch, gpt

ranks = mpi_ranks()
rows = slice(ranks.number * 2 // ranks.count, (ranks.number + 1) * 2 // ranks.count)

def mine(step):
    return dict(zip(("tokens", "targets"), (array[rows] for array in batch(seed=step))))

# Only the first rank's parameters count: they are copied to the others.
model = gpt(seed=ranks.number)
trainer = Trainer(model, "adamw", mine, ranks=ranks, clip=0.3, learning_rate=1e-2)
losses = [trainer.advance() for _ in range(20)]
np.savez(f"{sys.argv[1]}-{ranks.number}.npz", losses=losses, norm=trainer.norm, **trainer.state())
"""


@needs_mpi
def test_in_float64_two_ranks_are_one_to_rounding_with_the_norm_of_the_whole(
    tmp_path: Path,
) -> None:
    for count, name in ((1, "one"), (2, "two")):
        words = [sys.executable, "-c", _TRAINED, str(tmp_path / name)]
        code, _, err = _finish(_start(words, count))
        assert code == 0, err
    one, first, second = (np.load(tmp_path / f"{n}.npz") for n in ("one-0", "two-0", "two-1"))
    assert one["norm"] > 0.3, "nothing is clipped"
    for name in one.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        np.testing.assert_allclose(first[name], one[name], rtol=1e-7, atol=1e-9, err_msg=name)


@needs_mpi
def test_only_the_first_rank_speaks_and_writes(folder: Path) -> None:
    out, err = ((folder / f"two.{kind}").read_text() for kind in ("out", "err"))
    assert out.count("a sample:") == 1
    assert "2 ranks, each on its part of every batch" in out
    assert err.count("step 20/20") == 1
    lines = (folder / "two" / METRICS).read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert len(set(steps)) == len(steps)
    assert not list((folder / "two").glob(".*safetensors*"))


@needs_mpi
def test_two_runs_of_two_ranks_have_the_same_bits(folder: Path) -> None:
    assert _train(*_words(folder, "again"))[0] == 0
    both = [(folder / name / CHECKPOINT).read_bytes() for name in ("two", "again")]
    assert both[0] == both[1]


@needs_mpi
def test_a_run_goes_on_with_the_same_bits_and_warns_of_another_number_of_ranks(
    folder: Path,
) -> None:
    half = [*_words(folder, "half", STEPS), "--set", "save_every=10"]
    job = _start([*FLUX, "train", *half, "--set", "not_finite=stop"])
    assert _finish(job)[0] == 0
    # As a run that was killed after its first save.
    (folder / "half" / "previous-1.safetensors").replace(folder / "half" / CHECKPOINT)
    shutil.copytree(folder / "half", folder / "alone")
    assert _final(folder, "half").about["step"] == 10
    code, _, err = _train("--resume", str(folder / "half"))
    assert code == 0, err
    assert "number of ranks" not in err
    for name, array in _final(folder, "two").arrays.items():
        np.testing.assert_array_equal(_final(folder, "half").arrays[name], array)
    alone = subprocess.run(
        [*FLUX, "train", "--resume", str(folder / "alone")], capture_output=True, text=True
    )
    assert alone.returncode == 0, alone.stderr
    assert "it was trained by another number of ranks (2, now 1)" in alone.stderr


@needs_mpi
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this platform")
def test_a_rank_that_dies_ends_the_job_and_leaves_a_checkpoint(folder: Path) -> None:
    words = [*_words(folder, "killed", 1_000_000), "--save-every", "5"]
    job = _start([sys.executable, "-c", _MARKED, str(folder / "killed-"), "train", *words])
    ranks = _begun(job, folder, "killed")
    os.kill(ranks[1], signal.SIGKILL)
    code, _, err = _finish(job)
    assert code != 0, err
    with pytest.raises(ProcessLookupError):
        os.kill(ranks[0], 0)
    step = read_run(folder / "killed").step
    assert step >= 5
    going = ["--resume", str(folder / "killed"), "--steps", str(step + 10)]
    assert run(["train", *going]) == 0
    assert _final(folder, "killed").about["step"] == step + 10


@needs_mpi
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")
def test_a_signal_to_one_rank_stops_all_of_them_at_one_step(folder: Path) -> None:
    words = [*_words(folder, "stopped", 1_000_000), "--save-every", "5"]
    job = _start([sys.executable, "-c", _MARKED, str(folder / "stopped-"), "train", *words])
    ranks = _begun(job, folder, "stopped")
    os.kill(ranks[1], signal.SIGTERM)
    code, out, err = _finish(job)
    assert code != 0, err
    assert out.count("saved at step") == 1
    assert read_run(folder / "stopped").step > 5


@needs_mpi
def test_what_all_ranks_fail_of_is_told_once(folder: Path) -> None:
    missing = [*SMALL, "--data", str(folder / "no.txt"), "--out", str(folder / "no")]
    code, _, err = _train(*missing)
    assert code == 1
    assert err.count("data error: no file") == 1
    code, _, err = _train(*_words(folder, "odd"), "--batch", "5")
    assert code == 1
    assert err.count("2 ranks cannot share a batch of 5 windows equally") == 1
    assert not (folder / "odd").exists()


@needs_mpi
def test_what_one_rank_fails_of_ends_the_others(folder: Path) -> None:
    child = (
        "import os, sys; n = os.environ.get('PMI_RANK') or os.environ['OMPI_COMM_WORLD_RANK'];"
        "sys.argv[-1] = sys.argv[-1] if n == '0' else 'nowhere.txt';"
        "from flux.cli import main; main()"
    )
    words = [*SMALL, "--out", str(folder / "torn"), "--data", str(folder / "text.txt")]
    code, _, err = _finish(_start([sys.executable, "-c", child, "train", *words]))
    assert code != 0
    assert "rank 1 of 2: data error: no file" in err
    assert not (folder / "torn" / CHECKPOINT).exists()


@needs_mpi
def test_ranks_train_a_table_and_accumulate(tmp_path: Path) -> None:
    (tmp_path / "line.flux").write_text(
        "model line(x[b], y[b]):\n    param a ~ normal(0, 1)\n    param c = 0\n"
        "    loss = mean[b]((a*x + c - y)^2)\n"
    )
    rows = [f"{n / 10},{n / 5 + 1}" for n in range(-20, 20)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    words = ["--model", str(tmp_path / "line.flux"), "--data", str(tmp_path / "table.csv")]
    words += ["--batch", "6", "--set", "accumulate=2", "--steps", "20"]
    words += ["--set", "optimizer=sgd", "--learning-rate", "0.05"]
    assert run(["train", *words, "--out", str(tmp_path / "one")]) == 0
    code, _, err = _train(*words, "--out", str(tmp_path / "three"), count=3)
    assert code == 0, err
    for name, array in _final(tmp_path, "one").arrays.items():
        np.testing.assert_allclose(_final(tmp_path, "three").arrays[name], array, rtol=1e-5)
