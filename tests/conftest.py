"""What all tests share: checks that are on, threads, and golden files.

The environment is set before anything imports Flux or NumPy: every Program is verified after every
pass, and the BLAS has one thread, as the tests themselves run in parallel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("FLUX_VERIFY", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("flux", deadline=None)  # timings do not belong in unit tests
settings.load_profile("flux")

_GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )


@pytest.fixture
def patience() -> Iterator[None]:
    """Time for SymPy: a busy machine is no reason to find nothing."""
    from flux.settings import override

    with override(max_seconds=30):
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a file in tests/golden; with --update-golden, write the file."""

    def check(name: str, text: str) -> None:
        path = _GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run pytest --update-golden and review it"
        assert text == path.read_text(encoding="utf-8"), f"tests/golden/{name} differs"

    return check
