"""Right gradients are found right, wrong ones wrong, and what cannot be told is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.cli.entry import run
from flux.errors import ArgumentError, AxisError, DomainError, LimitError, ShapeError
from flux.nn import Model
from flux.nn.gradcheck import Verdict, check_gradients
from flux.syntax import Graph
from flux.training.library import graph


def model(body: str) -> Graph:
    text = f"model m[d](x[b, d]):\n    param W[d] ~ normal(0, 1)\n    mean[b](sum[d]({body}))\n"
    return flux.load_text(text)["m"].build()


@pytest.mark.parametrize("name", ["gpt", "attention", "mlp", "rms_norm", "embedding", "linear"])
def test_the_library_agrees(name: str) -> None:
    found = check_gradients(graph(name))
    assert found.agrees
    assert all(row.error < 1e-7 for row in found.rows)
    assert len(found.table().splitlines()) == 1 + len(found.rows)


@pytest.mark.parametrize("factor", [1 + 1e-5, -1.0, 0.0])
def test_a_wrong_gradient_differs(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Model.gradient

    def wrong(self: Model, **arrays: Any) -> dict[str, Any]:
        found = right(self, **arrays)
        found["block.0.attention.Wq"] = found["block.0.attention.Wq"] * factor
        return found

    monkeypatch.setattr(Model, "gradient", wrong)
    found = check_gradients(graph("gpt", layers=1))
    bad = [row.path for row in found.rows if row.verdict is not Verdict.AGREES]
    assert bad == ["block.0.attention.Wq"]
    assert not found.agrees


def test_a_gradient_that_is_zero_is_not_taken_for_a_large_one() -> None:
    found = check_gradients(model("x + 0*W"))
    assert found.agrees
    assert found.rows[0].size < 1e-9


def test_where_differences_are_not_exact_enough_nothing_is_claimed() -> None:
    found = check_gradients(model("sin(100000*W*x)"))
    assert found.rows[0].verdict is Verdict.UNCLEAR
    assert not found.agrees


def test_parameters_are_what_they_were_and_the_same_seed_finds_the_same() -> None:
    one, two = (check_gradients(graph("linear"), seed=4) for _ in range(2))
    assert one == two
    assert one.rows != check_gradients(graph("linear"), seed=5).rows


@pytest.mark.parametrize(
    ("made", "sizes", "error", "message"),
    [
        (lambda: model("log(-W^2)*x"), {}, DomainError, "not finite|is nan"),
        (lambda: model("W*x"), {"z": 3}, AxisError, "no axis `z`"),
        (lambda: model("W*x"), {"d": 0}, ShapeError, "size 0"),
        (lambda: model("W*x"), {"d": 1 << 40}, LimitError, "too many"),
        (lambda: graph("softmax"), {}, (ArgumentError, AxisError), "parameters|axis|axes"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    made: Any, sizes: dict[str, int], error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        check_gradients(made(), sizes)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gradcheck", "gpt", "--option", "layers=1", "--size", "v=7"]) == 0
    shown = capsys.readouterr().out
    assert "v = 7" in shown
    assert shown.count("agrees") == 21
    path = tmp_path / "m.flux"
    path.write_text(
        "layer scale[d](x[d]):\n    param g[d] = 1\n    x*sin(100000*g)\n", encoding="utf-8"
    )
    with pytest.raises(SystemExit) as stop:
        run(["gradcheck", str(path)])
    assert stop.value.code == 1
    assert "unclear" in capsys.readouterr().out
    assert run(["gradcheck", str(path), "--name", "scal"]) == 1
    assert "did you mean" in capsys.readouterr().err
    assert run(["gradcheck", "gpt", "--name", "x"]) == 2


def test_whole_numbers_stay_inside_what_they_index() -> None:
    text = "model m[v](i[b]: int):\n    param E[v] ~ normal(0, 1)\n    mean[b](E[v = i]^2)\n"
    found = check_gradients(flux.load_text(text)["m"].build(), {"v": 1, "b": 50})
    assert found.agrees
    assert np.isfinite(found.loss)
