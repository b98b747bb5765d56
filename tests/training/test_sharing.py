"""How steps are shared among threads, what they cost, and what a trial leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from flux.errors import ArgumentError
from flux.program import cost_of
from flux.training import Origin, Preset, Run, Sharing, estimate, limit_blas_to, split, trial
from flux.training import sharing as module
from flux.training.sharing import measure, restored

PRESET = Preset(8, 2, 1, 12, 6, 4, 10, 1e-3)


@pytest.fixture
def run() -> Run:
    return Run(Origin(PRESET), split("abc" * 40, "letters", PRESET.context))


def state(run: Run) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in run.trainer.state().items()}


def test_a_trial_leaves_everything_as_it_was(run: Run) -> None:
    run.trainer.run(3)
    before = state(run)
    assert trial(run.trainer, 0.01) > 0
    assert state(run) == before
    assert run.trainer.step == 3


def test_sharing_anew_keeps_the_state_and_the_bits(run: Run) -> None:
    other = Run(Origin(PRESET), split("abc" * 40, "letters", PRESET.context))
    run.trainer.run(3)
    run.share(Sharing(2))
    run.trainer.run(3)
    other.trainer.run(6)
    assert state(run) == state(other)


def test_what_a_run_costs_is_said(run: Run) -> None:
    found = estimate(run, 1)
    assert found.parameters == run.model.count
    assert found.flops == cost_of(run.trainer.program).flops > 6 * run.model.count
    assert (found.units, found.unit) == (24, "tokens")
    assert found.peak > 1e8
    shown = str(found)
    for word in ("parameters", "arena", "FLOPs a token", "steps/s", "tokens/s", "GFLOP/s"):
        assert word in shown


TIMES = [
    ({1: 1.0, 2: 0.5}, 1.0, Sharing(2, 1, "m")),
    ({1: 1.0, 2: 0.7}, 0.5, Sharing(1, 2, "m")),
    ({1: 1.0, 2: 1.2}, 1.1, Sharing(1, 1, "m")),
    ({1: 1.0, 2: 0.97}, 0.98, Sharing(1, 1, "m")),
]


@pytest.mark.parametrize(("own", "blas", "chosen"), TIMES)
def test_the_quickest_is_taken_where_it_pays(
    own: dict[int, float], blas: float, chosen: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [1]
    monkeypatch.setattr(module, "limit_blas", limits.append)

    def step_s(threads: int) -> float:
        return blas if limits[-1] == 2 else own[threads]

    assert measure(2, "m", step_s) == chosen
    assert limits[-1] == chosen.blas


def test_one_core_needs_no_measuring() -> None:
    def never(threads: int) -> float:
        raise AssertionError

    assert measure(1, "m", never) == Sharing(1, 1, "m")


def test_the_blas_is_limited() -> None:
    from threadpoolctl import threadpool_info

    limit_blas_to(1)
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert blas
    assert all(pool["num_threads"] == 1 for pool in blas)


def test_what_is_saved_comes_back() -> None:
    sharing = Sharing(2, 1, "Linux x86_64")
    assert restored(sharing.saved()) == sharing
    assert restored({}) == Sharing()


@pytest.mark.parametrize(
    "changes", [{"own": 0}, {"own": True}, {"blas": "2"}, {"blas": 10**9}, {"machine": 3}]
)
def test_what_no_run_has_saved_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        restored({**Sharing().saved(), **changes})
