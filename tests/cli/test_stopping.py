from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from flux.cli.stopping import Stop, stoppable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")
CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_asks_to_stop_and_names_the_exit_code(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    with stoppable() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.exit_code == code
    assert signal.getsignal(number) is before


_WAIT = """
import time
from flux.cli.stopping import stoppable
with stoppable() as stop:
    print("ready", flush=True)
    while not stop():
        time.sleep(0.001)
    print("asked", flush=True)
    {}
"""
# One call of C that hands the interpreter to other threads, as a large product does.
_LONG = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 1 << 26)"
_APART_S = 0.3


def _asked(doing: str, number: signal.Signals) -> subprocess.Popen[str]:
    """A process that has been told to stop, and does something else."""
    words = [sys.executable, "-c", _WAIT.format(doing)]
    job = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "ready\n"
    job.send_signal(number)
    assert job.stdout.readline() == "asked\n"
    return job


@pytest.mark.parametrize("doing", ["time.sleep(60)", _LONG])
@pytest.mark.parametrize(("number", "code"), CODES)
def test_the_second_signal_leaves_at_once(doing: str, number: signal.Signals, code: int) -> None:
    with _asked(doing, number) as job:
        while job.poll() is None:  # on a machine that is busy, the first two may come together
            time.sleep(_APART_S)
            job.send_signal(number)
        assert job.wait() == code


@pytest.mark.parametrize(("apart_s", "left"), [(0.05, []), (0.3, [143])])
def test_a_signal_that_is_passed_on_at_once_is_no_second_one(
    apart_s: float, left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr("flux.cli.stopping.monotonic", iter([7.0, 7.0 + apart_s]).__next__)
    monkeypatch.setattr("os._exit", codes.append)
    arrived, arriving = os.pipe()
    os.write(arriving, bytes([signal.SIGTERM, signal.SIGTERM]))
    os.close(arriving)
    stop = Stop()
    stop.watch(arrived)
    os.close(arrived)
    assert stop()
    assert codes == left


def test_other_signals_and_wakeups_are_left_alone() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with stoppable() as stop:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not stop()
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(("before", "code"), [("", 129), ("nohup", 130)])
def test_a_terminal_that_goes_asks_to_stop_unless_nohup_is_there(before: str, code: int) -> None:
    text = (
        "import os, signal, sys\n"
        "from flux.cli.stopping import stoppable\n"
        f"signal.signal(signal.SIGHUP, signal.{'SIG_IGN' if before else 'SIG_DFL'})\n"
        "with stoppable() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    sys.exit(stop.exit_code)\n"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == code
