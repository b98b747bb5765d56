from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from flux.cli.stopping import stoppable

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
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), CODES)
def test_the_second_signal_leaves_at_once(number: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", _WAIT], stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "ready\n"
        job.send_signal(number)
        assert job.stdout.readline() == "asked\n"
        job.send_signal(number)
        assert job.wait(timeout=30)  # half of what it would sleep == code
