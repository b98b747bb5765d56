"""Presets: a model and how it is trained, as TOML files beside this package, one each.

A preset is also what a configuration file and `--set` change, key by key, and what a run saves.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

from flux.errors import ArgumentError, did_you_mean
from flux.training.recipe import Recipe

FOLDER = Path(__file__).parent.parent / "presets"
TOKENIZERS = ("characters", "bytes", "words", "symbols", "bpe")


@dataclass(frozen=True)
class Preset:
    """A model and how to train it.

    Attributes:
        width, heads, layers, feed_forward: d, h, number of blocks, and f.
        context: tokens of a window, T.
        batch: windows of a step, B; rows of a step for a model of tables, 0 for all of them.
        steps: steps of a whole run.
        learning_rate: its highest value, after the warm-up.
        warm_up: steps of linear growth.
        weight_decay: per step, times the learning rate.
        trees: drawn for the embedded corpus.
        model: a model of the library, or the path of a .flux file.
        definition: which model of that file; empty for its last one.
        tokenizer: characters, bytes, words, symbols or bpe.
        vocabulary: the most tokens of words, symbols and bpe.
        validation: the share of the data that is kept for validation.
        evaluate_every: steps between two validations; 0 for a twentieth of the run.
        evaluate_batches: batches of a validation.
        save_every: steps between two saves.
        sample: tokens that the model writes at each validation; 0 for none.
        tensorboard: whether events for TensorBoard are written.
        keep: checkpoints kept beside the newest one.
        accumulate: batches whose mean gradient a step follows.
        sizes: of axes, for models of one's own.
        options: of the model's header.
        recipe: further numbers of `Recipe`, by name.
    """

    width: int = 64
    heads: int = 2
    layers: int = 1
    feed_forward: int = 128
    context: int = 32
    batch: int = 1
    steps: int = 1000
    learning_rate: float = 1e-3
    warm_up: int = 100
    weight_decay: float = 0.1
    trees: int = 16_000
    model: str = "gpt"
    definition: str = ""
    tokenizer: str = "characters"
    vocabulary: int = 4_096
    validation: float = 0.1
    evaluate_every: int = 0
    evaluate_batches: int = 8
    save_every: int = 1_000
    sample: int = 300
    tensorboard: bool = False
    keep: int = 2
    accumulate: int = 1
    sizes: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            check_kind(name, kind, getattr(self, name))
        for name, most in _MOST.items():
            if getattr(self, name) > most:
                raise ArgumentError(f"{name} is {getattr(self, name)}; it must be {most} or less")
        for name, known in _CHOICES.items():
            _check_choice(name, getattr(self, name), known)
        for table, kind in (("sizes", "int"), ("options", "number")):
            _check_table(table, kind, getattr(self, table))
        _check_recipe(self.recipe)
        self.full_recipe()

    @property
    def own(self) -> bool:
        """Whether the model is a file's, not the library's."""
        return self.model.endswith(".flux")

    def full_recipe(self) -> Recipe:
        """The optimiser and all its numbers.

        Raises:
            ArgumentError: one out of range.
        """
        numbers = {name: getattr(self, name) for name in _SHARED}
        return Recipe(**numbers, **self.recipe)


# What a run may change when it goes on: none of them changes what the steps compute.
RESUMABLE = (
    "steps",
    "save_every",
    "sample",
    "tensorboard",
    "keep",
    "evaluate_every",
    "not_finite",
)
KINDS: Mapping[str, str] = {f.name: str(f.type) for f in fields(Preset) if "Mapping" not in f.type}
_SHARED = ("learning_rate", "warm_up", "steps", "weight_decay")
RECIPE_KINDS: Mapping[str, str] = {
    f.name: str(f.type) for f in fields(Recipe) if f.name not in _SHARED
}
_FROM_ZERO = ("batch", "warm_up", "weight_decay", "evaluate_every", "sample", "keep", "validation")
_MOST = {"trees": 1_000_000, "keep": 100, "layers": 1_000, "validation": 0.9}
_CHOICES = {"tokenizer": TOKENIZERS}
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "number": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}


def check_kind(name: str, kind: str, value: object) -> None:
    """Refuse a value of another type, or a number below what its name allows.

    Raises:
        ArgumentError: it is.
    """
    types, words = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise ArgumentError(f"{name} is {value!r}; it must be {words}")
    if isinstance(value, int | float) and kind in ("int", "float") and name in KINDS:
        low = 0 if name in _FROM_ZERO else 1 if kind == "int" else 1e-12
        if not (isfinite(value) and value >= low):
            raise ArgumentError(f"{name} is {value}; it must be {low} or more")


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(
            f"{name} is {value!r}; it can be {', '.join(known[:-1])} or {known[-1]}",
            hint=did_you_mean(value, known),
        )


def _check_table(table: str, kind: str, values: object) -> None:
    if not isinstance(values, Mapping):
        raise ArgumentError(f"{table} is {values!r}; it must be a table of names")
    for name, value in values.items():
        check_kind(f"{table}.{name}", kind, value)
        if kind == "int" and value < 1:
            raise ArgumentError(f"{table}.{name} is {value}; it must be 1 or more")


def _check_recipe(values: object) -> None:
    if not isinstance(values, Mapping):
        raise ArgumentError(f"recipe is {values!r}; it must be a table of names")
    for name, value in values.items():
        if name not in RECIPE_KINDS:
            hint = did_you_mean(str(name), list(RECIPE_KINDS))
            raise ArgumentError(f"a recipe has no number `{name}` of its own", hint=hint)
        check_kind(name, RECIPE_KINDS[name], value)


# Fields that what was saved may lack, because there were none of them then.
_ADDED = {"sample", "tensorboard"}


def preset_of(values: object) -> Preset:
    """The preset of saved fields.

    Raises:
        ArgumentError: other fields, or values out of range.
    """
    known = {f.name for f in fields(Preset)}
    if not isinstance(values, Mapping) or not known - _ADDED <= set(values) <= known:
        raise ArgumentError("its preset has other fields than this version's")
    return Preset(**values)


class _Files(MutableMapping[str, Preset]):
    """The presets by name, each read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        paths = {path.stem: path for path in sorted(folder.glob("*.toml"))}
        self._paths = dict(sorted(paths.items(), key=lambda item: _rank(item[0])))
        self._read: dict[str, Preset] = {}

    def __getitem__(self, name: str) -> Preset:
        if name not in self._read:
            values = tomllib.loads(self._paths[name].read_text(encoding="utf-8"))
            self._read[name] = Preset(**routed(values))
        return self._read[name]

    def __setitem__(self, name: str, preset: Preset) -> None:
        self._paths.setdefault(name, Path())
        self._read[name] = preset

    def __delitem__(self, name: str) -> None:
        del self._paths[name]
        self._read.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


# From the smallest to the largest.
_ORDER = (
    "calculus",
    "calculus-long",
    "tiny",
    "small",
    "small-b16",
    "nanogpt-cpu",
    "medium",
    "large",
)


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def routed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys as arguments of `Preset`: those that only `Recipe` has go into its table."""
    recipe = {name: value for name, value in values.items() if name in RECIPE_KINDS}
    rest = {name: value for name, value in values.items() if name not in RECIPE_KINDS}
    return {**rest, "recipe": recipe} if recipe else rest


PRESETS: MutableMapping[str, Preset] = _Files(FOLDER)
