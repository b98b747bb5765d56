"""Readers of text: pyarrow, and the csv module as where pyarrow is not installed."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[True, False], ids=["pyarrow", "csv"])
def arrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Text with pyarrow, and as where it is not installed."""
    if not request.param:
        monkeypatch.setattr("flux.scoring.files.text_rows.has_pyarrow", lambda: False)
        monkeypatch.setattr("flux.scoring.files.output.has_pyarrow", lambda: False)
    found: bool = request.param
    return found
