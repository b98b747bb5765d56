"""Exported folders write and are assessed as the model itself, and hostile ones are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from flux.errors import DataError, FluxError, ProgramError
from flux.nn import FullDecoder, decoding_programs
from flux.program.store import load, save
from flux.training import GREEDY, Choice, Exported, assess, export
from flux.training.language import LanguageModel
from flux.training.presets import PRESETS
from flux.training.tokenizer import Tokenizer

TEXT = "abcab cacb bca abbca cabcb acbab"
PRESET = replace(PRESETS["tiny"], width=8, heads=2, feed_forward=12, context=8)


def language(seed: int = 2, **changes: int) -> LanguageModel:
    made = LanguageModel(replace(PRESET, **changes), Tokenizer.from_text(TEXT), seed=seed)
    for array in made.model.parameters.values():
        array *= 10 if array.ndim > 1 else 1
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[LanguageModel, Path]:
    """A model and its export."""
    model, folder = language(), tmp_path_factory.mktemp("export") / "new" / "folder"
    export(model, folder)
    return model, folder


def nothing(*_: object) -> None:
    """No progress is shown."""


@pytest.mark.parametrize("choice", [GREEDY, Choice(1.0, seed=3)], ids=["greedy", "drawn"])
def test_an_export_writes_the_same_text(made: tuple[LanguageModel, Path], choice: Choice) -> None:
    model, folder = made
    texts = ["".join(islice(m.write("ab", choice), 40)) for m in (model, Exported(folder))]
    assert texts[0] == texts[1]


def test_an_export_has_the_same_loss(made: tuple[LanguageModel, Path]) -> None:
    model, folder = made
    for text in (TEXT, TEXT[:5]):
        mine, other = (assess(m, text, "t", nothing).loss for m in (model, Exported(folder)))
        assert mine == other


def test_no_text_of_the_model_is_needed(
    made: tuple[LanguageModel, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the text was read")

    monkeypatch.setattr("flux.syntax.read", refuse)
    monkeypatch.setattr("flux.training.library.load_text", refuse)
    assert "".join(islice(Exported(made[1]).write("ab", GREEDY), 5))


def test_a_text_that_looks_ahead_is_exported_whole(tmp_path: Path) -> None:
    model = language()
    logits = model.model.graph.values["logits"]
    ahead = logits + logits.__class__.__add__(logits, logits) * 0
    blind = ahead - _maximum_over_time(ahead) * 0
    values = {**model.model.graph.values, "logits": blind}
    model.model.graph = replace(model.model.graph, values=values)
    export(model, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").glob("*.program")) == ["window.program"]
    found = Exported(tmp_path / "out")
    assert isinstance(found.decoder, FullDecoder)
    texts = ["".join(islice(m.write("ab", GREEDY), 20)) for m in (model, found)]
    assert texts[0] == texts[1]


def _maximum_over_time(e: object) -> object:
    from flux.expr import reduce
    from flux.ops import Op

    return reduce(Op.MAX, e, ["t"])  # type: ignore[arg-type]


def test_a_folder_in_use_is_left_alone(made: tuple[LanguageModel, Path], tmp_path: Path) -> None:
    model, folder = made
    for taken in (folder, folder / "export.json"):
        with pytest.raises(DataError, match="is not empty"):
            export(model, taken)


def test_two_exports_are_the_same_bytes(made: tuple[LanguageModel, Path], tmp_path: Path) -> None:
    model, folder = made
    export(model, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


# --- hostile folders ---------------------------------------------------------------------------


@pytest.fixture
def copy(made: tuple[LanguageModel, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[1], tmp_path / "copy"))


def test_every_changed_byte_is_found(copy: Path) -> None:
    drawn = np.random.default_rng(0)
    for path in sorted(copy.iterdir()):
        content = path.read_bytes()
        for place in drawn.integers(0, len(content), 8):
            changed = bytearray(content)
            changed[place] ^= 1 << int(drawn.integers(8))
            path.write_bytes(bytes(changed))
            if path.name == "export.json" and _blank(content, bytes(changed)):
                continue
            with pytest.raises(FluxError):
                Exported(copy)
        path.write_bytes(content)
    Exported(copy)


def _blank(before: bytes, after: bytes) -> bool:
    """Whether the manifest says the same in other blanks."""
    try:
        return bool(json.loads(before) == json.loads(after))
    except ValueError:
        return False


@pytest.mark.parametrize("name", ["export.json", "step.program", "weights.safetensors"])
@pytest.mark.parametrize("change", ["missing", "empty", "short"])
def test_missing_and_cut_files_are_refused(copy: Path, name: str, change: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    if change != "missing":
        (copy / name).write_bytes(content[: 0 if change == "empty" else len(content) // 2])
    with pytest.raises(DataError, match=name):
        Exported(copy)


def _manifest(change: Callable[[dict[str, object]], object]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        about = json.loads((folder / "export.json").read_text(encoding="ascii"))
        change(about)
        (folder / "export.json").write_text(json.dumps(about), encoding="ascii")

    return apply


def _replaced(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    """A file that somebody has replaced, digest included."""

    def apply(folder: Path) -> None:
        make(folder / name)
        digest = sha256((folder / name).read_bytes()).hexdigest()
        _manifest(lambda about: about["files"].update({name: digest}))(folder)  # type: ignore[attr-defined]

    return apply


def _weights(**changes: np.ndarray) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        arrays = language().model.state_dict()
        save_file({k: v for k, v in {**arrays, **changes}.items() if v.size}, str(path))

    return make


def _program_of(model: LanguageModel) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        graph = model.model.graph
        made = decoding_programs(model.model, graph.values["logits"], "tokens", "t", model.context)
        save(made.step, path)

    return make


HOSTILE = {
    "another kind": (_manifest(lambda a: a.update(kind="flux checkpoint")), "not that of"),
    "a newer version": (_manifest(lambda a: a.update(version=2)), "format 2"),
    "no version": (_manifest(lambda a: a.pop("version")), "format None"),
    "a context of nothing": (_manifest(lambda a: a.update(context=0)), "context is 0"),
    "a context of text": (_manifest(lambda a: a.update(context="8")), "context is '8'"),
    "another context": (_manifest(lambda a: a.update(context=9)), "takes or gives"),
    "a path": (_manifest(lambda a: a["files"].update({"../x": "0"})), "other files"),
    "no files": (_manifest(lambda a: a.update(files=[])), "other files"),
    "no weights": (_manifest(lambda a: a["files"].pop("weights.safetensors")), "other files"),
    "rows without a step": (_manifest(lambda a: a["files"].pop("step.program")), "other files"),
    "a step without rows": (_manifest(lambda a: a["files"].pop("fill.program")), "not belong"),
    "a list": (lambda f: (f / "export.json").write_text("[1]"), "not the JSON of an object"),
    "deep JSON": (lambda f: (f / "export.json").write_text("[" * 60_000), "not the JSON"),
    "a long manifest": (lambda f: (f / "export.json").write_text(" " * 70_000), "more than"),
    "a tensor too few": (_replaced("weights.safetensors", _weights(E=np.zeros(0))), "'E'"),
    "a tensor too many": (_replaced("weights.safetensors", _weights(F=np.ones(1))), "other"),
    "another shape": (_replaced("weights.safetensors", _weights(E=np.ones((2, 2)))), "'E'"),
    "another type": (
        _replaced("weights.safetensors", _weights(P=np.ones((8, 8), np.float64))),
        "'P'",
    ),
    "weights that are none": (
        _replaced("weights.safetensors", lambda p: p.write_bytes(b"\xff" * 64)),
        "is damaged",
    ),
    "characters in disorder": (
        _replaced(
            "tokenizer.json", lambda p: p.write_text('{"kind": "characters", "characters": "ba"}')
        ),
        "makes no sense",
    ),
    "too many characters": (
        _replaced(
            "tokenizer.json",
            lambda p: p.write_text('{"kind": "characters", "characters": "abcdef"}'),
        ),
        "takes or gives",
    ),
    "a tokenizer of no kind": (_replaced("tokenizer.json", lambda p: p.write_text("{}")), "None"),
    "no Program": (_replaced("step.program", lambda p: p.write_bytes(b"flux program")), "Program"),
    "the Program of a wider model": (
        _replaced("step.program", _program_of(language(width=16))),
        "not belong",
    ),
    "a Program for another place": (
        _replaced("step.program", lambda p: save(load(p.with_name("fill.program")), p)),
        "takes or gives",
    ),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_folders_are_refused(
    copy: Path, change: Callable[[Path], object], message: str
) -> None:
    change(copy)
    with pytest.raises((DataError, ProgramError), match=message):
        Exported(copy)
