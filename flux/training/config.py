"""Configurations: a preset changed key by key, from TOML files and from `key=value`.

The keys are those of `Preset` and of `Recipe`, the tables `sizes` and `options`, and what a run is
made from: `preset`, `data`, `seed`. A key that none of them has is an error with a suggestion, and
so is a value of another type.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux.errors import ArgumentError, DataError, did_you_mean
from flux.training.presets import KINDS, PRESETS, RECIPE_KINDS, Preset, check_kind, routed

if TYPE_CHECKING:
    from flux.training.start import Start

TABLES = ("sizes", "options")
_RUN_KINDS = {"preset": "str", "seed": "int", "from": "str"}
_KEYS = (*_RUN_KINDS, "data", *KINDS, *RECIPE_KINDS, *TABLES)
_MOST_BYTES = 1 << 20

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """A run as its user wants it.

    Attributes:
        name: the preset that it began with.
        preset: that preset with every change.
        data: files or folders; none for the embedded corpus.
        seed: of parameters and batches.
        start: the folder of the model that it begins from; empty for none.
    """

    name: str
    preset: Preset
    data: tuple[str, ...] = ()
    seed: int = 0
    start: str = ""

    def text(self) -> str:
        """The configuration as TOML, every key with its value, which `read_config` reads."""
        flat = {"preset": self.name, "data": list(self.data), "seed": self.seed}
        flat |= {"from": self.start} if self.start else {}
        flat |= {name: getattr(self.preset, name) for name in KINDS}
        recipe = self.preset.full_recipe()
        flat |= {name: getattr(recipe, name) for name in RECIPE_KINDS}
        lines = [f"{name} = {_toml(value)}" for name, value in flat.items()]
        for table in TABLES:
            lines += _table(table, getattr(self.preset, table))
        return "\n".join(lines) + "\n"


def read_config(path: Path) -> dict[str, Any]:
    """The keys and values of a TOML file, checked.

    Raises:
        DataError: it cannot be read, or is not TOML.
        ArgumentError: a key that no configuration has, or a value of another type.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {str(path)!r}: {reason}") from None
    if len(content) > _MOST_BYTES:
        raise DataError(f"{str(path)!r} has more than {_MOST_BYTES} bytes: no configuration")
    return _checked(_parsed(content, str(path)), f" (in {str(path)!r})")


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{name!r} is not UTF-8 at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise DataError(f"{name!r} is not TOML: {error}") from None


def read_settings(words: Sequence[str]) -> dict[str, Any]:
    """Keys and values of words `key=value`; a value is TOML, or else a text.

    Raises:
        ArgumentError: no `=`, a key that no configuration has, or a value of another type.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ArgumentError(f"expected KEY=VALUE, found {word!r}")
        table, point, name = key.strip().partition(".")
        if point:
            found.setdefault(table, {})[name] = _value(text)
        else:
            found[table] = _value(text)
    return _checked(found, "")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text.strip()


def _checked(values: Values, where: str) -> dict[str, Any]:
    for key, value in values.items():
        try:
            _check(key, value)
        except ArgumentError as error:
            raise ArgumentError(error.text + where, hint=error.hint) from None
    return dict(values)


def _check(key: str, value: Any) -> None:
    if key not in _KEYS:
        hint = did_you_mean(key, _KEYS) or f"the keys are {', '.join(sorted(_KEYS))}"
        raise ArgumentError(f"no configuration has a key `{key}`", hint=hint)
    kind = _RUN_KINDS.get(key) or KINDS.get(key) or RECIPE_KINDS.get(key)
    if kind:
        check_kind(key, kind, value)
    elif key in TABLES and not isinstance(value, dict):
        raise ArgumentError(f"{key} is {value!r}; it must be a table", hint=f"{key}.NAME=VALUE")
    elif key == "data" and not all(isinstance(path, str) and path for path in _listed(value)):
        raise ArgumentError(f"data is {value!r}; it must be a path, or a list of paths")


def _listed(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list | tuple) else [value])


def configure(
    layers: Sequence[Values], name: str = "calculus", start: Start | None = None
) -> Config:
    """The configuration of checked keys, each layer over the ones before.

    Args:
        layers: keys and values, the last one the strongest.
        name: of the preset below them, where they name none.
        start: the model to begin from, whose sizes stand below the layers and above the preset.

    Raises:
        ArgumentError: no such preset, or values out of range.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        tables = {t: {**merged.get(t, {}), **layer[t]} for t in TABLES if t in layer}
        merged |= {**layer, **tables}
    named, begun = merged.pop("preset", ""), merged.pop("from", "")
    data, seed = tuple(_listed(merged.pop("data", ()))), merged.pop("seed", 0)
    if start is None:
        name = named or name
        return Config(name, changed(_named(name), merged), data, seed, begun)
    below = start.over(_named(named)) if named else start.preset
    preset = changed(below, merged)
    start.check(preset)
    return Config(named or start.name, preset, data, seed, begun)


def _named(name: str) -> Preset:
    if name not in PRESETS:
        hint = did_you_mean(name, list(PRESETS)) or f"one of {', '.join(PRESETS)}"
        raise ArgumentError(f"no preset {name!r}", hint=hint)
    return PRESETS[name]


def changed(preset: Preset, values: Values) -> Preset:
    """The preset with other values of some keys.

    Raises:
        ArgumentError: values out of range.
    """
    changes = routed(values)
    for table in (*TABLES, "recipe"):
        if table in changes:
            changes[table] = {**getattr(preset, table), **changes[table]}
    return replace(preset, **changes)


# --- writing TOML ------------------------------------------------------------------------------


def _table(name: str, values: Values) -> list[str]:
    return ["", f"[{name}]", *(f"{_text(k)} = {_toml(v)}" for k, v in values.items())]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return repr(value)


def _text(value: str) -> str:
    """A basic string: quotes, backslashes and control characters by their escapes."""
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return f"\\u{ord(character):04X}" if ord(character) < 32 or ord(character) == 127 else character
