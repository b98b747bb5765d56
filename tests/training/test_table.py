"""Tables of numbers: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flux.errors import DataError, FluxError, ShapeError
from flux.syntax import load_text
from flux.training import Origin, Preset, Run, read_table
from flux.training.table import table_of

TEXT = """
model curve[h](x[b], y[b]):
    param W[h], c[h], out[h] ~ normal(0, 1)
    found = sum[h](tanh(x*W + c)*out)
    loss = mean[b](squared_error(found, y))
"""
CLASSES = """
model classes[v](x[b, i], label[b]: int, scale[i]):
    param U[i, v] ~ normal(0, 1)
    loss = mean[b](cross_entropy(sum[i](x*scale*U), label))
"""


def inputs(text: str, name: str) -> Any:
    return load_text(text)[name].build().inputs


CURVE, CLASSIFIER = inputs(TEXT, "curve"), inputs(CLASSES, "classes")


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "note,y,x\nhi,1,2\n\nho,3,4.5\n"),
        ("t.csv", '\ufeffx , y\r\n"2",1\r\n4.5,3\r\n'),
        ("t.tsv", "y\tx\n1\t2\n3\t4.5"),
    ],
)
def test_columns_are_found_by_their_names(name: str, content: str, tmp_path: Path) -> None:
    found = read_table(written(tmp_path, name, content), CURVE).arrays
    np.testing.assert_array_equal(found["x"], [2, 4.5])
    np.testing.assert_array_equal(found["y"], [1, 3])


def test_columns_with_numbers_are_one_input_and_whole_numbers_are_integers(tmp_path: Path) -> None:
    known = [e for e in CLASSIFIER if e.attributes.name != "scale"]
    path = written(tmp_path, "t.csv", "x_0,label,x_1,x_3\n1,0,2,9\n3,2,4,9\n")
    found = read_table(path, known).arrays
    np.testing.assert_array_equal(found["x"], [[1, 2], [3, 4]])
    assert found["label"].dtype == np.int64


def test_arrays_are_read_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.ones((5, 2)), label=np.arange(5.0), scale=np.ones(2), other=np.ones(9))
    table = read_table(path, CLASSIFIER)
    assert (table.rows, table.by_row) == (5, ("x", "label"))
    assert table.take(np.array([1, 3]))["label"].tolist() == [1, 3]
    assert table.take(np.array([1]))["scale"].shape == (2,)


BROKEN = [
    ("t.csv", "x,y\n1,2\n3,four\n", DataError, "t.csv:3: the column 'y' has 'four'"),
    ("t.csv", "x,y\n1,2\n3\n", DataError, "t.csv:3: the column 'y' has ''"),
    ("t.csv", "x,z\n1,2\n", DataError, "no 'y'"),
    ("t.csv", "", DataError, "is empty"),
    ("t.csv", "x,y\n", DataError, "has no rows"),
    ("t.txt", "x,y\n1,2", DataError, "no table that Flux reads"),
    ("t.npz", "x,y\n1,2", DataError, "no .npz file"),
    ("t.npz", "", DataError, "no .npz file"),
]


@pytest.mark.parametrize(("name", "content", "error", "message"), BROKEN)
def test_tables_that_do_not_fit_are_refused(
    name: str, content: str, error: type[FluxError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        read_table(written(tmp_path, name, content), CURVE)
    assert message in caught.value.text


def test_files_that_are_not_there_or_not_text_are_refused(tmp_path: Path) -> None:
    for name in ("no.csv", "no.npz"):
        with pytest.raises(DataError, match="no file"):
            read_table(tmp_path / name, CURVE)
    (tmp_path / "b.csv").write_bytes(b"x,y\n1,2\n\xff,3\n")
    with pytest.raises(DataError, match=r"b\.csv"):
        read_table(tmp_path / "b.csv", CURVE)


def test_arrays_of_objects_and_of_different_lengths_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "o.npz", x=np.array([{}, 1], object), y=np.ones(2))
    with pytest.raises(DataError, match=r"no \.npz file"):
        read_table(tmp_path / "o.npz", CURVE)
    np.savez(tmp_path / "l.npz", x=np.ones(3), y=np.ones(2))
    with pytest.raises(ShapeError, match="2 and 3 rows"):
        read_table(tmp_path / "l.npz", CURVE)
    with pytest.raises(DataError, match=r"label holds integers; it has 0\.5"):
        table_of({"x": np.ones((1, 2)), "label": [0.5], "scale": np.ones(2)}, CLASSIFIER)


X = np.linspace(-3, 3, 100)
PRESET = Preset(
    model="my.flux", batch=16, steps=300, learning_rate=0.02, warm_up=10, sizes={"h": 12}
)


def made(**changes: Any) -> Run:
    from dataclasses import replace

    origin = Origin(replace(PRESET, **changes), source=TEXT)
    return Run(origin, table_of({"x": X, "y": np.sin(X)}, CURVE))


def test_rows_are_gone_through_once_in_every_pass_and_none_is_held_out() -> None:
    task = made(batch=15).task
    held = set(np.concatenate([task.validation(n)["x"] for n in range(8)]))
    assert len(held) == 10
    for first in (0, 6, 12):
        seen = np.concatenate([task.batch(first + step)["x"] for step in range(6)])
        assert len(set(seen)) == 90
        assert held.isdisjoint(seen)
    assert task.batch(0)["x"].tolist() != task.batch(6)["x"].tolist()
    assert task.batch(3)["x"].tolist() == made(batch=15).task.batch(3)["x"].tolist()


def test_no_batch_takes_all_rows_and_no_share_validates_on_all() -> None:
    run = made(batch=0, validation=0.0)
    assert sorted(run.task.batch(5)["x"]) == sorted(X)
    assert sorted(run.task.validation(0)["x"]) == sorted(X)


def test_a_model_of_ones_own_learns_a_table() -> None:
    run = made()
    before = run.validation_loss()
    run.trainer.run(300)
    assert run.validation_loss() < 0.05 * before


def test_a_size_that_is_missing_names_the_setting() -> None:
    with pytest.raises(ShapeError) as caught:
        made(sizes={})
    assert caught.value.hint == "--set sizes.h=16"


def test_a_table_run_is_no_language_model() -> None:
    with pytest.raises(DataError, match="reads a table"):
        _ = made().language
