"""SymPy's own process: its budget, its end, its turns, and what reaches it."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings

import flux
from flux.calculus import worker
from flux.calculus.rows import from_rows, to_rows
from flux.calculus.worker import Worker, budget, call
from flux.calculus.worker_fork import answer_in_child
from flux.errors import FluxError, LimitError, NotFoundError
from flux.expr import inputs
from flux.settings import override
from tests.reliability.bounds import PATIENCE_S, ROOM
from tests.strategies import formulas

PATIENT = 30  # seconds, on a busy machine


@settings(max_examples=50)
@given(formulas(max_leaves=12))
def test_rows_are_the_same_expression(e):
    assert from_rows(to_rows(e)) is e


def test_rows_keep_assumptions_and_every_kind_of_constant():
    e = flux.parse("assume x > 0\nx + 0.10 + 2 + pi*true")
    assert from_rows(to_rows(e)) is e
    assert inputs(from_rows(to_rows(e)))[0].attributes.assumption == "> 0"


BAD_ROWS = [
    [],
    [("nothing", (), ())],
    [("add", (0, 1), ())],
    [("constant", (), ("int", "x"))],
    [("constant", (), ("float", "1"))],
    [("sum", (), ())],
    [("input", (), ())],
]


@pytest.mark.parametrize("rows", BAD_ROWS)
def test_rows_that_are_no_expression_are_refused(rows):
    with pytest.raises(FluxError, match="no expression"):
        from_rows(rows)


def test_a_call_past_its_seconds_ends_and_the_next_one_works():
    x = flux.parse("x")
    with override(max_seconds=PATIENT):
        call("integrate", x, "x")  # started, so that the clock below is the budget's alone
    first = worker._WORKER.pid
    began = time.monotonic()
    with override(max_seconds=1), pytest.raises(LimitError, match="max_seconds"):
        call("integrate", flux.parse("9^9^9^9*x"), "x")
    assert time.monotonic() - began < 4 * ROOM
    with override(max_seconds=PATIENT):
        assert [str(e) for e in call("integrate", x, "x")] == ["x^2/2"]
    assert (worker._WORKER.pid == first) == worker.FORKS  # nothing had to be started again


def test_calls_of_one_budget_share_its_seconds():
    endless = flux.parse("9^9^9^9*x")
    with override(max_seconds=PATIENT):
        call("integrate", flux.parse("x"), "x")
    began = time.monotonic()
    with override(max_seconds=2), budget():
        for _ in range(30):  # a second each, were the seconds not shared
            with pytest.raises(LimitError, match="max_seconds"), budget(share=0.5):
                call("integrate", endless, "x")
    assert 1.9 < time.monotonic() - began < 2 * ROOM


def test_an_answer_does_not_depend_on_the_calls_before_it_nor_on_the_run():
    code = (
        "import flux; from flux.settings import override\n"
        "from flux.calculus.worker import call\n"
        "import sys\n"
        "with override(max_seconds=30):\n"
        "    for text in sys.argv[1:]:\n"
        "        found = call('simplify', flux.parse(text))\n"
        "print(*found)"
    )
    last = "sin(x)^4 - 2*cos(x)^2*sin(x)^2 + cos(x)^4 + a*b*c/(a + b + c)"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, *before, last],
            capture_output=True, text=True, check=True, timeout=PATIENCE_S,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed, before in (("1", []), ("2", ["c*b*a*x"]), ("3", ["x^2 - 1", "sin(2*x)"]))
    }  # fmt: skip
    assert len(seen) == 1


@pytest.mark.skipif(not worker.FORKS, reason="there the process itself is ended and replaced")
def test_a_crash_of_the_child_is_no_answer_and_the_next_call_works():
    found = answer_in_child({"seconds": PATIENT}, lambda _: os._exit(1), _never())
    assert "ended" in found["failed"]
    found = answer_in_child({"seconds": PATIENT}, lambda _: os._exit(worker.MEMORY_EXIT), _never())
    assert found == {"failed": "memory"}
    found = answer_in_child({"seconds": 0.2}, lambda _: time.sleep(PATIENT), _never())
    assert found == {"failed": worker.OVERDUE}
    assert answer_in_child({"seconds": PATIENT}, dict, _never()) == {"seconds": PATIENT}


def _never():
    """A file descriptor that has nothing to read: a caller that waits."""
    return os.pipe()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux caps the address space")
def test_a_call_past_its_memory_names_the_setting():
    # To factor it, SymPy multiplies it out at once: some two million terms.
    with override(max_seconds=PATIENT, max_memory=8), pytest.raises(LimitError, match="max_memory"):
        call("factor", flux.parse("(a + b + c + d + f)^30*(x + 1)^40 + 1"))
    with override(max_seconds=PATIENT):
        assert call("simplify", flux.parse("x + x"))


def test_what_sympy_raises_is_no_answer():
    with override(max_seconds=PATIENT), pytest.raises(NotFoundError):
        call("integrate", flux.parse("x^x"), "x")


def test_threads_take_turns():
    texts = [f"x^{n}" for n in range(2, 10)]

    def integrated(text):
        with override(max_seconds=PATIENT):  # settings are per thread
            return call("integrate", flux.parse(text), "x")[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(integrated, texts))
    for text, e in zip(texts, found, strict=True):
        assert flux.equal(e.diff("x"), text)


def test_the_process_ends_with_its_caller():
    code = (
        "import flux; from flux.settings import override\n"
        "from flux.calculus import worker\n"
        "with override(max_seconds=30): print(flux.parse('x').integrate('x'))\n"
        "print(worker._WORKER.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    answer, pid = done.stdout.split()
    assert answer == "x^2/2"
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_a_process_whose_caller_is_killed_ends_by_itself():
    code = (
        "import flux, os; from flux.settings import override\n"
        "from flux.calculus import worker\n"
        "with override(max_seconds=30): flux.parse('x').integrate('x')\n"
        "print(worker._WORKER.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        return state != "Z"  # one that nobody has waited for yet
    except FileNotFoundError:
        return False


def test_a_process_that_was_ended_from_outside_is_replaced():
    with override(max_seconds=PATIENT):
        call("integrate", flux.parse("x"), "x")
        process = worker._WORKER._process
        process.kill()
        process.wait()
        assert call("integrate", flux.parse("x"), "x")


def test_no_thread_is_left_waiting():
    mine = Worker()
    try:
        with override(max_seconds=PATIENT):
            rows = to_rows(flux.parse("x"))
            request = {"call": "integrate", "rows": rows, "arguments": ["x"]}
            assert "rows" in mine.ask({**request, "memory": 512})
        assert not [
            t
            for t in threading.enumerate()
            if isinstance(t, threading.Timer) and not t.finished.is_set()
        ]
    finally:
        mine.stop()
    assert mine.pid is None
