"""Runs that begin with the parameters of another model, wherever that is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from flux.cli.entry import run
from flux.errors import ArgumentError, DataError, FluxError
from flux.training import (
    CHECKPOINT,
    PRESETS,
    Tokenizer,
    checkpoint,
    configure,
    export_gpt2,
    import_gpt2_model,
    load_language_model,
    read_start,
)
from flux.training.hub_weights import INDEX, WEIGHTS, read_weights

GOLDEN = Path(__file__).parent.parent / "golden" / "gpt2"
TEXT = "abcab cacb bca abbca cabcb acbab\n" * 40
SMALL = ["--preset", "tiny", "--width", "8", "--context", "8", "--batch", "2", "--steps", "20"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, its exports in both forms, and a text."""
    made = tmp_path_factory.mktemp("start")
    (made / "text.txt").write_text(TEXT, encoding="utf-8")
    assert run(["train", *SMALL, "--data", str(made / "text.txt"), "--out", str(made / "run")]) == 0
    assert run(["export", str(made / "run"), str(made / "exported")]) == 0
    assert run(["export", str(made / "run"), str(made / "hub"), "--format", "gpt2"]) == 0
    return made


def train(folder: Path, start: str, out: str, *words: str) -> int:
    data = ["--data", str(folder / "text.txt")]
    return run(["train", "--from", str(folder / start), *data, "--out", str(folder / out), *words])


@pytest.mark.parametrize("kind", ["run", f"run/{CHECKPOINT}", "exported", "hub"])
def test_a_run_begins_where_the_model_is_and_goes_on_like_any_other(
    folder: Path, kind: str
) -> None:
    name = f"from-{kind.replace('/', '-')}"
    # A rate of next to nothing: after a step the parameters are still those of the start.
    still = ["--steps", "1", "--learning-rate", "1e-12", "--set", "weight_decay=0"]
    assert train(folder, kind, name, *still) == 0
    wanted = load_language_model(folder / "run")
    found = load_language_model(folder / name)
    assert found.tokenizer == wanted.tokenizer
    for path, array in wanted.model.parameters.items():
        np.testing.assert_allclose(found.model.parameters[path], array, atol=1e-9, err_msg=path)
    assert run(["train", "--resume", str(folder / name), "--steps", "5"]) == 0
    assert checkpoint.load(folder / name / CHECKPOINT).about["step"] == 5
    text = (folder / name / "config.toml").read_text(encoding="utf-8")
    assert f'from = "{(folder / kind).as_posix()}"' in text


def test_the_configuration_of_such_a_run_trains_the_same_once_more(folder: Path) -> None:
    assert train(folder, "exported", "first", "--steps", "6") == 0
    config = str(folder / "first" / "config.toml")
    assert run(["train", "--config", config, "--out", str(folder / "second")]) == 0
    first, second = (checkpoint.load(folder / n / CHECKPOINT) for n in ("first", "second"))
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(second.arrays[name], array, err_msg=name)


def test_a_preset_says_how_it_trains_and_the_start_what_it_is(folder: Path) -> None:
    start = read_start(folder / "run")
    plain = configure([{}], start=start)
    assert plain.preset == start.preset
    other = configure([{"preset": "medium", "steps": 7}], start=start).preset
    assert (other.width, other.context) == (8, 8)
    assert (other.batch, other.steps) == (PRESETS["medium"].batch, 7)


def test_a_shorter_context_takes_the_first_positions(folder: Path) -> None:
    still = ["--steps", "1", "--learning-rate", "1e-12", "--set", "weight_decay=0"]
    assert train(folder, "hub", "short", "--context", "5", *still) == 0
    long, short = (load_language_model(folder / name).model.parameters for name in ("run", "short"))
    np.testing.assert_allclose(short["P"], long["P"][:5], atol=1e-9)


WRONG = [
    (["--context", "9"], "the parameter 'P' is [n=9, d=8]"),
    (["--width", "16"], "in "),
    (["--layers", "2"], "has no parameter 'block.1."),
    (["--set", "tokenizer=words"], "the vocabulary is that of"),
    (["--set", "vocabulary=99"], "leave tokenizer and vocabulary out"),
    (["--set", "model=gpt_plain"], "has a parameter"),
    (["--from", "nowhere"], "no run in 'nowhere'"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[str(w) for w, _ in WRONG])
def test_what_does_not_fit_is_refused(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folder, "run", "wrong", *words) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "wrong").exists()


def test_characters_that_the_model_does_not_know_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.txt").write_text("xyz\n" * 99, encoding="utf-8")
    words = ["--from", str(folder / "run"), "--data", str(folder / "other.txt")]
    assert run(["train", *words, "--out", str(folder / "other")]) == 1
    assert "does not know the character 'x'" in capsys.readouterr().err


def test_a_run_that_goes_on_keeps_its_beginning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--resume", str(folder / "run"), "--from", str(folder / "run")]
    assert run(["train", *words]) == 2
    assert "--from cannot be changed" in capsys.readouterr().err


def test_a_model_of_one_s_own_is_taken_along_with_its_text(tmp_path: Path) -> None:
    (tmp_path / "line.flux").write_text(
        "model line[h](x[b], y[b]):\n    param W[h] ~ normal(0, 1)\n"
        "    loss = mean[b]((sum[h](W*x) - y)^2)\n"
    )
    (tmp_path / "table.csv").write_text("x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(20)))
    words = ["--data", str(tmp_path / "table.csv"), "--steps", "3"]
    first = ["--model", str(tmp_path / "line.flux"), "--set", "sizes.h=4"]
    assert run(["train", *words, *first, "--out", str(tmp_path / "first")]) == 0
    (tmp_path / "line.flux").unlink()
    again = ["--from", str(tmp_path / "first"), "--out", str(tmp_path / "second")]
    assert run(["train", *words, *again]) == 0
    arrays = checkpoint.load(tmp_path / "second" / CHECKPOINT).arrays
    assert {array.shape for array in arrays.values()} == {(4,)}


_BIGRAMS = """
model bigrams[d, v](tokens[b, t]: int, targets[b, t]: int):
    param E[v, d], W[d, v] ~ normal(0, 1)
    logits = sum[d](E[v = tokens]*W)
    loss = mean[b, t](cross_entropy(logits, targets))
"""


def test_an_export_holds_the_text_of_a_model_of_one_s_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bigrams.flux"
    path.write_text(_BIGRAMS)
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    words = ["train", "--steps", "2", "--data", str(tmp_path / "text.txt"), "--set", "batch=2"]
    assert run([*words, "--model", str(path), "--out", str(tmp_path / "run")]) == 0
    path.unlink()
    exported = tmp_path / "exported"
    assert run(["export", str(tmp_path / "run"), str(exported)]) == 0
    held = exported / "model.flux"
    assert held.read_text() == _BIGRAMS
    assert run(["generate", str(exported), "--length", "5"]) == 0
    assert run([*words, "--from", str(exported), "--out", str(tmp_path / "second")]) == 0
    held.write_text(_BIGRAMS + "\n")
    assert run([*words, "--from", str(exported), "--out", str(tmp_path / "third")]) == 1
    assert "model.flux' is damaged" in capsys.readouterr().err


HUGE = {**asdict(replace(PRESETS["tiny"], width=8, context=8)), "width": 1 << 28}


@pytest.mark.parametrize("preset", [None, {}, [], {"width": 8}, "tiny", HUGE])
def test_a_hostile_preset_is_refused(folder: Path, tmp_path: Path, preset: Any) -> None:
    from hashlib import sha256
    from shutil import copytree

    copytree(folder / "exported", tmp_path / "bad")
    manifest = tmp_path / "bad" / "export.json"
    about = json.loads(manifest.read_text())
    if preset is None:
        del about["files"]["preset.json"]
    else:
        content = json.dumps(preset).encode()
        (tmp_path / "bad" / "preset.json").write_bytes(content)
        about["files"]["preset.json"] = sha256(content).hexdigest()
    manifest.write_text(json.dumps(about))
    with pytest.raises(DataError):
        read_start(tmp_path / "bad")


def test_sizes_that_the_tensors_do_not_have_cost_no_memory(folder: Path) -> None:
    start = read_start(folder / "exported")
    with pytest.raises(ArgumentError, match="layers"):
        replace(start.preset, layers=10**9)


# --- weights of other making -------------------------------------------------------------------


def _as_bfloat16(array: np.ndarray) -> bytes:
    """The upper halves, rounded to nearest; ties do not occur in these weights."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x8000) >> 16).astype("<u2").tobytes()


def _file(tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    header, data = {}, b""
    for name, (kind, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _hub(folder: Path, weights: bytes | None = None) -> Path:
    folder.mkdir()
    (folder / "config.json").write_bytes((GOLDEN / "config.json").read_bytes())
    if weights is not None:
        (folder / WEIGHTS).write_bytes(weights)
    return folder


@pytest.mark.parametrize("kind", ["BF16", "F16", "F64"])
def test_weights_of_other_widths_are_converted(tmp_path: Path, kind: str) -> None:
    tensors = load_file(GOLDEN / WEIGHTS)
    if kind == "BF16":
        content = _file({n: (kind, a.shape, _as_bfloat16(a)) for n, a in tensors.items()})
    else:
        content = save(
            {n: a.astype(f"f{kind[1:]}"[0] + str(int(kind[1:]) // 8)) for n, a in tensors.items()}
        )
    model = import_gpt2_model(_hub(tmp_path / "hub", content))
    wanted = import_gpt2_model(GOLDEN)
    width = {"BF16": 2**-8, "F16": 2**-11, "F64": 0}[kind]  # half a unit in the last place
    for path, array in wanted.parameters.items():
        assert model.parameters[path].dtype == np.float32
        np.testing.assert_allclose(model.parameters[path], array, rtol=width, atol=1e-7)


def test_a_bfloat16_is_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    bits = np.array([0x3F80, 0xC040, 0x0000, 0x8000, 0x7F80, 0x0001, 0x7FC0], "<u2")
    folder = _hub(tmp_path / "hub", _file({"x": ("BF16", (7,), bits.tobytes())}))
    found, _ = read_weights(folder)
    wanted = [1.0, -3.0, 0.0, -0.0, np.inf, 2.0**-133, np.nan]
    np.testing.assert_array_equal(found["x"], np.array(wanted, np.float32))


def _sharded(folder: Path) -> dict[str, str]:
    """The golden weights in two files; tensor to file."""
    tensors = load_file(GOLDEN / WEIGHTS)
    names = sorted(tensors)
    parts = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for file, members in parts.items():
        save_file({name: tensors[name] for name in members}, folder / file)
    places = {name: file for file, members in parts.items() for name in members}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return places


def test_weights_in_several_files_are_one_model(tmp_path: Path) -> None:
    folder = _hub(tmp_path / "hub")
    _sharded(folder)
    wanted = import_gpt2_model(GOLDEN).parameters
    for path, array in import_gpt2_model(folder).parameters.items():
        np.testing.assert_array_equal(array, wanted[path])


@pytest.mark.parametrize(
    "change",
    [
        lambda places: {},
        lambda places: [],
        lambda places: {**places, "x": "model-00001-of-00002.safetensors"},
        lambda places: dict(list(places.items())[1:]),
        lambda places: {**places, "x": "../secret.safetensors"},
        lambda places: {**places, "x": "/etc/passwd"},
        lambda places: {**places, "x": "a\0.safetensors"},
        lambda places: {**places, "x": "C:\\x.safetensors"},
        lambda places: {**places, "x": 3},
        lambda places: {**places, "x": "gone.safetensors"},
        lambda places: {str(n): f"{n}.safetensors" for n in range(1001)},
    ],
)
def test_an_index_that_is_not_true_is_refused(tmp_path: Path, change: Any) -> None:
    folder = _hub(tmp_path / "hub")
    (tmp_path / "secret.safetensors").write_bytes(save({"x": np.ones(1)}))
    places = change(_sharded(folder))
    (folder / INDEX).write_text(json.dumps({"weight_map": places}))
    with pytest.raises(DataError):
        import_gpt2_model(folder)


def test_other_kinds_of_weights_are_refused(tmp_path: Path) -> None:
    pickled = _hub(tmp_path / "pickled")
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match="may run code") as caught:
        import_gpt2_model(pickled)
    assert "safe_serialization=True" in caught.value.hint
    eight = _hub(tmp_path / "eight", _file({"x": ("F8_E4M3", (2,), b"ab")}))
    with pytest.raises(DataError, match="numbers of type F8_E4M3"):
        import_gpt2_model(eight)
    with pytest.raises(DataError, match="no file"):
        import_gpt2_model(_hub(tmp_path / "none"))


def test_gpt2_with_more_logits_than_tokens_trains_further(tmp_path: Path) -> None:
    export_gpt2(import_gpt2_model(GOLDEN), Tokenizer("abc \n"), tmp_path / "hub")
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    assert train(tmp_path, "hub", "out", "--steps", "2") == 0
    found = load_language_model(tmp_path / "out")
    assert found.model.sizes["v"] == 11
    assert found.tokenizer.size == 5
    assert found.preset.learning_rate == 5e-5


def test_a_folder_of_nothing_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(FluxError):
        read_start(tmp_path)
