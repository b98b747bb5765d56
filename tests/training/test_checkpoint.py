from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from flux.errors import DataError
from flux.training import checkpoint

ARRAYS = {"parameters": np.arange(12, dtype=np.float32).reshape(3, 4), "step": np.array(7)}
ABOUT = {"seed": 3, "characters": "ab\n\u00e9"}


def _saved(folder: Path) -> Path:
    path = folder / "run" / "checkpoint.safetensors"
    checkpoint.save(path, ARRAYS, ABOUT)
    return path


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    found = checkpoint.load(_saved(tmp_path))
    assert found.about["characters"] == ABOUT["characters"]
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_the_same_state_is_the_same_file(tmp_path: Path) -> None:
    assert _saved(tmp_path / "a").read_bytes() == _saved(tmp_path / "b").read_bytes()


def test_every_truncation_and_flipped_bit_is_found(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        at = int(random.integers(len(content)))
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(damaged))
        _assert_refused_or_equal(path)
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            checkpoint.load(path)


def _assert_refused_or_equal(path: Path) -> None:
    # A flip may fall on a space of the header, which means nothing.
    try:
        found = checkpoint.load(path)
    except DataError:
        return
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.about["characters"] == ABOUT["characters"]


def test_a_missing_file_and_a_newer_format_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="no checkpoint"):
        checkpoint.load(tmp_path / "nothing")
    monkeypatch.setattr(checkpoint, "VERSION", 99)
    path = _saved(tmp_path)
    monkeypatch.undo()
    with pytest.raises(DataError, match="format 99"):
        checkpoint.load(path)


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["os.fsync", "os.replace", "pathlib.Path.open"])
def test_a_failed_write_leaves_the_old_checkpoint_and_no_stray_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = _saved(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(call, _full)
        with pytest.raises(DataError, match="No space left"):
            checkpoint.save(path, {"parameters": np.zeros(3)}, ABOUT)
    assert checkpoint.load(path).about["seed"] == ABOUT["seed"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


_SAVER = """
import sys, itertools
from pathlib import Path
import numpy as np
from flux.training import checkpoint
for n in itertools.count():
    arrays = {"parameters": np.full(200_000, n, np.float32)}
    checkpoint.save(Path(sys.argv[1]), arrays, {"n": n})
    print(n, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this platform")
@pytest.mark.parametrize("delay_ms", [0, 1, 2, 3, 5, 8])
def test_a_killed_save_leaves_a_loadable_checkpoint(tmp_path: Path, delay_ms: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    command = [sys.executable, "-c", _SAVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as saver:
        assert saver.stdout is not None
        saver.stdout.readline()
        time.sleep(delay_ms / 1000)
        saver.kill()
    found = checkpoint.load(path)
    np.testing.assert_array_equal(found.arrays["parameters"], np.float32(found.about["n"]))
