"""A run whose disk fills up (F6); `make soak` prints the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a disk of its own is Linux's here")


def test_a_run_whose_disk_fills_up_goes_on_once_there_is_space(tmp_path: Path) -> None:
    from tests.soak import disk

    assert "went on to the bits of an undisturbed run" in disk.soak(tmp_path)


def test_so_does_one_that_may_write_short_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.soak import disk

    monkeypatch.setattr(disk, "_may_mount", lambda *_: False)
    assert disk.soak(tmp_path).startswith("no tmpfs may be mounted")
