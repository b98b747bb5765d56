"""GPT-2 as Hugging Face keeps it: a folder with `config.json` and `model.safetensors`.

The library's `gpt` is the same model. A table says which tensor holds which parameters: a tensor's
columns are those of one parameter after another, and its rows run over the first axes of each.
Weights of linear maps are stored as [in, out], as GPT-2's own convolutions of width one are; only
the output matrix is [out, in], and may be the embedding itself.

Source:
    Radford et al., Language Models are Unsupervised Multitask Learners (2019); the names are those
    of `transformers`, models/gpt2/modeling_gpt2.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.files import replace_file
from flux.nn import Model
from flux.training.files import (
    check_empty,
    parsed_json,
    read_bytes,
    tensor_bytes,
)
from flux.training.hub_tokenizer import hub_tokenizer, tokenizer_json
from flux.training.hub_weights import WEIGHTS, read_weights
from flux.training.library import graph
from flux.training.presets import Preset
from flux.training.tokenizer import AnyTokenizer

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
_MOST_CONFIG, _MOST_TOKENIZER = 1 << 20, 1 << 26
_PREFIX = "transformer."
_RATE = 5e-5  # the learning rate with which `transformers` trains further, by default
_HEAD = "head"  # the parameter of the output matrix, [d, v]
_HEAD_TENSOR = "lm_head.weight"
_EMBEDDING = "wte.weight"
_MASKS = (".attn.bias", ".attn.masked_bias")  # constants that older files hold

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Row:
    """One tensor of a file.

    Attributes:
        tensor: its name.
        paths: of the parameters whose columns it holds, one after another.
        leading: the axes of each that run along its rows; 0 where it is a vector.
    """

    tensor: str
    paths: tuple[str, ...]
    leading: int


_OUTER = (
    Row(_EMBEDDING, ("E",), 1),
    Row("wpe.weight", ("P",), 1),
    Row("ln_f.weight", ("layer_norm.gain",), 0),
    Row("ln_f.bias", ("layer_norm.bias",), 0),
)
_BLOCK = (
    Row("ln_1.weight", ("layer_norm.gain",), 0),
    Row("ln_1.bias", ("layer_norm.bias",), 0),
    Row("attn.c_attn.weight", ("attention.Wq", "attention.Wk", "attention.Wv"), 1),
    Row("attn.c_attn.bias", ("attention.bq", "attention.bk", "attention.bv"), 0),
    Row("attn.c_proj.weight", ("attention.Wo",), 2),
    Row("attn.c_proj.bias", ("attention.bo",), 0),
    Row("ln_2.weight", ("layer_norm_1.gain",), 0),
    Row("ln_2.bias", ("layer_norm_1.bias",), 0),
    Row("mlp.c_fc.weight", ("mlp.W1",), 1),
    Row("mlp.c_fc.bias", ("mlp.b1",), 0),
    Row("mlp.c_proj.weight", ("mlp.W2",), 1),
    Row("mlp.c_proj.bias", ("mlp.b2",), 0),
)

# What has to be so for the mathematics to be that of the library's `gpt`; absent means this too.
_SAME = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
_MOST_SIZE = 1 << 24


def rows(layers: int) -> Iterator[Row]:
    """The tensors of a model, without the output matrix."""
    yield from _OUTER
    for n in range(layers):
        for row in _BLOCK:
            paths = tuple(f"block.{n}.{path}" for path in row.paths)
            yield Row(f"h.{n}.{row.tensor}", paths, row.leading)


@dataclass(frozen=True)
class Gpt2:
    """A model that was read, with its tokenizer.

    Attributes:
        model: the library's `gpt` with the folder's parameters.
        tokenizer: the folder's.
        context: the longest window.
        source: of a model of the library there is none.
    """

    model: Model
    tokenizer: AnyTokenizer
    context: int
    source: str = ""

    @property
    def preset(self) -> Preset:
        """Its sizes, with a rate for training it further."""
        sizes = self.model.sizes
        return Preset(
            width=sizes["d"],
            heads=sizes["h"],
            layers=_blocks(self.model),
            feed_forward=sizes["f"],
            context=self.context,
            learning_rate=_RATE,
            tokenizer=self.tokenizer.saved()["kind"],
            sizes={"v": sizes["v"]},  # there may be more logits than tokens
        )


def import_gpt2(folder: Path) -> Gpt2:
    """The model and the tokenizer of a folder.

    Raises:
        DataError: a file is missing or damaged, another kind of model, or no tokenizer.
    """
    model = import_gpt2_model(folder)
    content = read_bytes(folder / TOKENIZER, _MOST_TOKENIZER)
    tokenizer = hub_tokenizer(content, folder / TOKENIZER)
    if tokenizer.size > model.sizes["v"]:
        raise DataError(
            f"{str(folder / TOKENIZER)!r} has {tokenizer.size} tokens; the model knows"
            f" {model.sizes['v']}"
        )
    return Gpt2(model, tokenizer, model.sizes["n"])


def import_gpt2_model(folder: Path) -> Model:
    """The library's `gpt` with the parameters of a folder, in float32.

    Raises:
        DataError: a file is missing or damaged, or another kind of model.
    """
    config = _config(folder / CONFIG)
    layers, sizes = _sizes(config, folder / CONFIG)
    found, path = read_weights(folder)
    tensors = dict(_named(found))
    _check_bytes(tensors, layers, sizes, path)
    model = Model(graph("gpt", layers=layers), sizes)
    for row in rows(layers):
        _take(model, row, tensors, path)
    _take_head(model, tensors, bool(config.get("tie_word_embeddings", True)), path)
    if tensors:
        raise DataError(f"{str(path)!r} has a tensor that GPT-2 has not: {min(tensors)!r}")
    return model


def _config(path: Path) -> dict[str, Any]:
    config = parsed_json(read_bytes(path, _MOST_CONFIG), path)
    for name, possible in _SAME.items():
        found = config.get(name, possible[0])
        if found not in possible:
            raise DataError(
                f"{str(path)!r}: {name} is {found!r}; this can read {possible[0]!r}",
                hint="the library's gpt is GPT-2 as it was published",
            )
    return config


def _sizes(config: Mapping[str, Any], path: Path) -> tuple[int, dict[str, int]]:
    """The number of layers, and the sizes of the axes."""

    def whole(name: str, default: int | None = None) -> int:
        value = config.get(name)
        value = default if value is None else value
        if type(value) is not int or not 1 <= value <= _MOST_SIZE:
            raise DataError(f"{str(path)!r}: {name} is {value!r}; it must be a whole number >= 1")
        return value

    width, heads = whole("n_embd"), whole("n_head")
    if width % heads:
        raise DataError(f"{str(path)!r}: {heads} heads cannot share a width of {width}")
    sizes = {
        "n": whole("n_positions"),
        "d": width,
        "h": heads,
        "k": width // heads,
        "f": whole("n_inner", 4 * width),
        "v": whole("vocab_size"),
    }
    return whole("n_layer"), sizes


def _named(tensors: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    """Tensors by their names without the prefix that some files have; masks are left out."""
    for name, array in tensors.items():
        if not name.endswith(_MASKS):
            yield name.removeprefix(_PREFIX), array


def _check_bytes(tensors: Arrays, layers: int, sizes: Mapping[str, int], path: Path) -> None:
    """The sizes are the file's own: nothing is made that it does not hold."""
    shapes = {name: array.shape for name, array in tensors.items()}
    present = {name.split(".")[1] for name in tensors if name.startswith("h.")}
    if shapes.get(_EMBEDDING) != (sizes["v"], sizes["d"]) or len(present) != layers:
        raise DataError(f"{str(path)!r} has other tensors than {CONFIG} says")
    for name, axes in (("wpe.weight", "nd"), ("h.0.mlp.c_fc.weight", "df")):
        if shapes.get(name) != tuple(sizes[axis] for axis in axes):
            raise DataError(f"{str(path)!r}: {name!r} has another shape than {CONFIG} says")


def _take(model: Model, row: Row, tensors: dict[str, NDArray[Any]], path: Path) -> None:
    arrays = [model.parameters[name] for name in row.paths]
    shape = np.concatenate([_columns(array, row.leading) for array in arrays], axis=-1).shape
    found = _tensor(tensors, row.tensor, shape, path)
    for array, part in zip(arrays, np.split(found, len(arrays), axis=-1), strict=True):
        array[...] = part.reshape(array.shape)


def _take_head(model: Model, tensors: dict[str, NDArray[Any]], tied: bool, path: Path) -> None:
    shape = model.parameters["E"].shape
    if tied:
        tensors.pop(_HEAD_TENSOR, None)  # a second copy of the embedding
        found = model.parameters["E"]
    else:
        found = _tensor(tensors, _HEAD_TENSOR, shape, path)
    model.parameters[_HEAD][...] = found.T


def _tensor(
    tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...], path: Path
) -> NDArray[Any]:
    found = tensors.pop(name, None)
    if found is None:
        raise DataError(f"{str(path)!r} has no tensor {name!r}")
    if found.shape != shape or found.dtype.kind != "f":
        raise DataError(
            f"{str(path)!r}: {name!r} is {found.dtype} {list(found.shape)}; it must be"
            f" a float tensor {list(shape)}"
        )
    return found


def _columns(array: NDArray[Any], leading: int) -> NDArray[Any]:
    """A parameter as rows and columns, or as a vector."""
    return array.reshape(int(np.prod(array.shape[:leading])), -1) if leading else array.reshape(-1)


def export_gpt2(model: Model, tokenizer: AnyTokenizer | None, folder: Path) -> None:
    """Write the library's `gpt` as a folder that `transformers` reads.

    Args:
        model: of the library's `gpt`, with any parameters.
        tokenizer: written as tokenizer.json; None for none.
        folder: a new one.

    Raises:
        ArgumentError: another kind of model, or of tokenizer.
        DataError: the folder holds something already, or cannot be written.
    """
    layers = _layers(model)
    check_empty(folder)
    vocabulary = None if tokenizer is None else tokenizer_json(tokenizer)
    tied = np.array_equal(model.parameters[_HEAD].T, model.parameters["E"])
    tensors = {
        _PREFIX + row.tensor: np.concatenate(
            [_columns(model.parameters[path], row.leading) for path in row.paths], axis=-1
        )
        for row in rows(layers)
    }
    if not tied:
        tensors[_HEAD_TENSOR] = np.ascontiguousarray(model.parameters[_HEAD].T)
    replace_file(folder / WEIGHTS, tensor_bytes(tensors, {"format": "pt"}))
    if vocabulary is not None:
        replace_file(folder / TOKENIZER, vocabulary)
    about = json.dumps(_about(model, layers, tied), indent=2).encode("ascii")
    replace_file(folder / CONFIG, about)


def _layers(model: Model) -> int:
    layers = _blocks(model)
    wanted = {path for row in rows(layers) for path in row.paths} | {_HEAD}
    if model.graph.name != "gpt" or set(model.parameters) != wanted:
        raise ArgumentError(
            f"{model.graph.name} cannot be written as GPT-2",
            hint="only the library's `gpt` is that model",
        )
    return layers


def _blocks(model: Model) -> int:
    return len({path.split(".")[1] for path in model.parameters if path.startswith("block.")})


def _about(model: Model, layers: int, tied: bool) -> dict[str, Any]:
    sizes = model.sizes
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": sizes["v"],
        "n_positions": sizes["n"],
        "n_embd": sizes["d"],
        "n_layer": layers,
        "n_head": sizes["h"],
        "n_inner": sizes["f"],
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": tied,
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": model.dtype,
    }
