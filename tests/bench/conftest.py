"""The benchmarks' shared set-up: who takes part, and the machine's name above the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.bench.measure import AbsentError, Worker, machine

Enlist = Callable[..., Worker | None]
_ALWAYS = ("flux", "numpy by hand", "numpy typed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--peers", default="", help="only these competitors, by name and commas")
    parser.addoption("--rounds", type=int, default=5, help="rounds of a training step's benchmark")


@pytest.fixture(scope="session")
def machine_line() -> None:
    print(f"\n{machine()}")


@pytest.fixture
def enlist(request: pytest.FixtureRequest, machine_line: None) -> Iterator[Enlist]:
    """A competitor's process with its task prepared; one that is absent is named.

    A test that asks again for the same competitor gets the same process with another task.
    """
    wanted = [name for name in request.config.getoption("--peers", "").split(",") if name]
    started: dict[tuple[str, str, int], Worker] = {}
    told: set[str] = set()

    def start(module: str, competitor: str, threads: int = 1, **task: object) -> Worker | None:
        if wanted and competitor not in (*wanted, *_ALWAYS):
            return None
        worker = started.get((module, competitor, threads)) or Worker(module, threads)
        started[module, competitor, threads] = worker
        try:
            worker.prepare(competitor, **task)
        except AbsentError as reason:
            if str(reason) not in told:
                print(f"{competitor} is left out: {reason}")
            told.add(str(reason))
            return None
        return worker

    yield start
    for worker in started.values():
        worker.close()
