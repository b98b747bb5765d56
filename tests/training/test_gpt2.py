"""GPT-2 folders in both directions: against logits that `transformers` gave, and against itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import flux
from flux.cli.entry import run
from flux.errors import ArgumentError, DataError
from flux.nn import OTHERS, WEIGHTS, Model
from flux.training import GREEDY, Exported, Tokenizer, export_gpt2, import_gpt2, import_gpt2_model
from flux.training.gpt2 import rows
from flux.training.hub_tokenizer import hub_tokenizer, tokenizer_json
from flux.training.library import graph
from flux.training.tokenizer import Bytes

# Made by transformers 5.23 and torch 2.13: GPT2LMHeadModel(GPT2Config(vocab_size=11, n_positions=6,
# n_embd=8, n_layer=2, n_head=2, n_inner=12, initializer_range=0.5)) after manual_seed(1), with 0.3
# times normal numbers added to gains and biases; `expected.json` has its logits.
GOLDEN = Path(__file__).parent.parent / "golden" / "gpt2"
SIZES = {"n": 6, "d": 8, "h": 2, "k": 4, "f": 12, "v": 11}
LETTERS = Tokenizer("abcdefghijk")


def logits(model: Model, tokens: Any) -> np.ndarray:
    found: np.ndarray = model.evaluate("logits", order=("b", "t", "v"), tokens=np.array(tokens))
    return found


def test_imported_logits_are_those_of_transformers() -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="ascii"))
    found = logits(import_gpt2_model(GOLDEN), expected["tokens"])
    np.testing.assert_allclose(found, expected["logits"], atol=1e-5)


def test_what_is_exported_is_imported_bit_for_bit(tmp_path: Path) -> None:
    for name, model in {
        "tied": import_gpt2_model(GOLDEN),
        "free": Model(graph("gpt", layers=3), {**SIZES, "f": 9}, seed=5),
    }.items():
        export_gpt2(model, LETTERS, tmp_path / name)
        found = import_gpt2(tmp_path / name)
        assert found.context == 6
        assert found.tokenizer == LETTERS
        for path, array in model.parameters.items():
            np.testing.assert_array_equal(found.model.parameters[path], array)
        about = json.loads((tmp_path / name / "config.json").read_text(encoding="ascii"))
        assert about["tie_word_embeddings"] is (name == "tied")


def test_an_export_of_an_import_is_the_file_itself(tmp_path: Path) -> None:
    export_gpt2(import_gpt2_model(GOLDEN), None, tmp_path / "out")
    mine, theirs = (load_file(f / "model.safetensors") for f in (tmp_path / "out", GOLDEN))
    assert mine.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(mine[name], array)
    assert not (tmp_path / "out" / "tokenizer.json").exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tied", [True, False])
def test_transformers_gives_the_same_logits_in_both_directions(tmp_path: Path, tied: bool) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    config = transformers.GPT2Config(
        vocab_size=31,
        n_positions=10,
        n_embd=12,
        n_layer=2,
        n_head=3,
        tie_word_embeddings=tied,
        initializer_range=0.3,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path / "theirs")
    model = import_gpt2_model(tmp_path / "theirs")
    tokens = np.random.default_rng(0).integers(0, 31, (2, 10))
    with torch.no_grad():
        wanted = theirs(torch.tensor(tokens)).logits.numpy()
    np.testing.assert_allclose(logits(model, tokens), wanted, atol=1e-4)

    ours = Model(graph("gpt", layers=2), model.sizes, seed=1)
    for array in ours.parameters.values():
        array += np.random.default_rng(1).normal(0, 0.2, array.shape)
    if tied:
        ours.parameters["head"][...] = ours.parameters["E"].T
    export_gpt2(ours, None, tmp_path / "ours")
    back = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours").eval()
    with torch.no_grad():
        found = back(torch.tensor(tokens)).logits.numpy()
    np.testing.assert_allclose(found, logits(ours, tokens), atol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("shard", ["5GB", "2KB"])
def test_what_transformers_saves_in_16_bits_and_in_parts_is_read(
    tmp_path: Path, kind: str, shard: str
) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(GOLDEN, dtype=torch.float32)
    numbers = {"float16": torch.float16, "bfloat16": torch.bfloat16}[kind]
    theirs.to(numbers).save_pretrained(tmp_path / "hub", max_shard_size=shard)
    assert (tmp_path / "hub" / "model.safetensors.index.json").exists() == (shard == "2KB")
    wide = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "hub", dtype=torch.float32)
    tokens = np.random.default_rng(0).integers(0, 11, (2, 6))
    with torch.no_grad():
        wanted = wide.eval()(torch.tensor(tokens)).logits.numpy()
    found = logits(import_gpt2_model(tmp_path / "hub"), tokens)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_weight_decay_follows_the_rule_of_nanogpt() -> None:
    """Tensors of two dimensions or more are decayed there, embeddings included; vectors are not."""
    model = import_gpt2_model(GOLDEN)
    groups = {entry.path: entry.group for entry in model.parameters.entries}
    tensors = load_file(GOLDEN / "model.safetensors")
    for row in rows(layers=2):
        decayed = tensors["transformer." + row.tensor].ndim >= 2
        assert {groups[path] for path in row.paths} == {WEIGHTS if decayed else OTHERS}, row.tensor
    assert groups["head"] == WEIGHTS


# --- the command line --------------------------------------------------------------------------


def test_an_import_generates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export_gpt2(import_gpt2_model(GOLDEN), LETTERS, tmp_path / "hub")
    assert run(["import", str(tmp_path / "hub"), str(tmp_path / "out")]) == 0
    assert "imported 1,304 parameters" in capsys.readouterr().out
    assert run(["generate", str(tmp_path / "out"), "--prompt", "ab", "--greedy"]) == 0
    shown = capsys.readouterr().out
    assert len(shown) == 2 + 200 + 1
    model = import_gpt2_model(GOLDEN)
    window = [0, 1]
    for letter in shown[2:6]:
        token = int(logits(model, [window])[0, -1].argmax())
        assert LETTERS.characters[token] == letter
        window.append(token)


def test_logits_beyond_the_vocabulary_are_never_chosen(tmp_path: Path) -> None:
    export_gpt2(import_gpt2_model(GOLDEN), Tokenizer("abc"), tmp_path / "hub")
    assert run(["import", str(tmp_path / "hub"), str(tmp_path / "out")]) == 0
    written = "".join(islice(Exported(tmp_path / "out").write("a", GREEDY), 50))
    assert len(written) == 50


# --- tokenizers --------------------------------------------------------------------------------


def test_characters_are_a_tokenizer_of_the_library() -> None:
    library = pytest.importorskip("tokenizers")
    mine = Tokenizer("\n !aß\U0001f600")
    theirs = library.Tokenizer.from_str(tokenizer_json(mine).decode())
    text = "a !\n\U0001f600ß a"
    assert theirs.encode(text).ids == mine.encode(text).tolist()
    assert theirs.decode(theirs.encode(text).ids) == text


def test_byte_pairs_go_there_and_back() -> None:
    pytest.importorskip("tokenizers")
    from flux.training.bpe import BytePairs

    mine = BytePairs.from_texts(["the cat sat on the mat, the rat"] * 5, 270)
    theirs = hub_tokenizer(tokenizer_json(mine), Path("tokenizer.json"))
    text = "the cat's hat ß"
    assert theirs.encode(text).tolist() == mine.encode(text).tolist()
    assert theirs.decode(theirs.encode(text)) == text


def test_a_tokenizer_that_the_library_has_no_terms_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="tokenizer of bytes"):
        export_gpt2(import_gpt2_model(GOLDEN), Bytes(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- what is refused ---------------------------------------------------------------------------


def test_another_model_is_not_written_as_gpt2(tmp_path: Path) -> None:
    text = "model m[d](x[b, d]):\n    param W[d] = 1\n    mean[b](sum[d](x*W))\n"
    model = Model(flux.load_text(text)["m"].build(), {"d": 2})
    with pytest.raises(ArgumentError, match="m cannot be written as GPT-2"):
        export_gpt2(model, None, tmp_path / "out")


def _config(**changes: object) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        about = json.loads((folder / "config.json").read_text(encoding="ascii"))
        (folder / "config.json").write_text(json.dumps({**about, **changes}), encoding="ascii")

    return apply


def _tensors(change: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        arrays = load_file(folder / "model.safetensors")
        change(arrays)
        save_file(arrays, folder / "model.safetensors")

    return apply


HOSTILE = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
    "a config that is a list": (
        lambda f: (f / "config.json").write_text("[]"),
        "JSON of an object",
    ),
    "weights that are none": (
        lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 40),
        "is damaged",
    ),
    "another kind": (_config(model_type="llama"), "model_type is 'llama'"),
    "another activation": (_config(activation_function="relu"), "activation_function is 'relu'"),
    "another epsilon": (_config(layer_norm_epsilon=1e-6), "layer_norm_epsilon is 1e-06"),
    "scores that are not scaled": (_config(scale_attn_weights=False), "scale_attn_weights"),
    "a width of text": (_config(n_embd="8"), "n_embd is '8'"),
    "a huge width": (_config(n_embd=1 << 40), "n_embd is"),
    "no heads": (_config(n_head=0), "n_head is 0"),
    "heads that do not fit": (_config(n_head=3), "3 heads cannot share a width of 8"),
    "another width": (_config(n_embd=16), "other tensors than"),
    "more words": (_config(vocab_size=1 << 23), "other tensors than"),
    "more layers": (_config(n_layer=1000), "other tensors than"),
    "longer windows": (_config(n_positions=1 << 23), "wpe.weight"),
    "a wider middle": (_config(n_inner=1 << 23), "mlp.c_fc.weight"),
    "a tensor too many": (_tensors(lambda t: t.update(x=np.ones(1))), "has not: 'x'"),
    "a tensor too few": (
        _tensors(lambda t: t.pop("transformer.h.1.mlp.c_proj.bias")),
        "no tensor 'h.1.mlp.c_proj.bias'",
    ),
    "another shape": (
        _tensors(lambda t: t.update({"transformer.ln_f.bias": np.ones(9, np.float32)})),
        "'ln_f.bias' is float32",
    ),
    "integers": (
        _tensors(lambda t: t.update({"transformer.ln_f.bias": np.ones(8, np.int64)})),
        "'ln_f.bias' is int64",
    ),
    "no output matrix": (_config(tie_word_embeddings=False), "no tensor 'lm_head.weight'"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_folders_are_refused(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "copy"))
    change(folder)
    with pytest.raises(DataError, match=message):
        import_gpt2_model(folder)


def test_a_folder_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        import_gpt2(GOLDEN)


def test_masks_and_half_precision_of_older_files_are_read(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "copy"))
    arrays = {
        k.removeprefix("transformer."): v
        for k, v in load_file(folder / "model.safetensors").items()
    }
    wanted = import_gpt2_model(GOLDEN)
    masks = {"h.0.attn.bias": np.ones((1, 1, 6, 6), np.float32), "h.0.attn.masked_bias": np.ones(1)}
    save_file({**arrays, **masks}, folder / "model.safetensors")
    found = import_gpt2_model(folder)
    np.testing.assert_array_equal(found.parameters["E"], wanted.parameters["E"])
    save_file({k: v.astype(np.float16) for k, v in arrays.items()}, folder / "model.safetensors")
    np.testing.assert_allclose(
        import_gpt2_model(folder).parameters["E"], wanted.parameters["E"], rtol=1e-3
    )
