"""What a run trains: a language model on a text, or any model on the rows of a table.

A task gives batches as pure functions of seed and step, and what is told of its losses.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.nn import Batch, Model
from flux.philox import uniform
from flux.training.batches import Windows
from flux.training.blueprint import count, model_graph
from flux.training.language import LanguageModel
from flux.training.presets import Preset
from flux.training.ranks import ALONE, Ranks, part_of
from flux.training.sample import Choice
from flux.training.table import Table
from flux.training.text import Text
from flux.training.tokenizer import AnyTokenizer, Tokens
from flux.training.words import unknown

_COUNTED = 1 << 20  # tokens whose characters are counted


class Task(Protocol):
    """What a run trains.

    Attributes:
        model: its parameters change.
        name, digest: of the data.
        unit: what a batch consists of, in the plural.
        units: how many of them one step sees, on all ranks together.
    """

    model: Model
    name: str
    digest: str
    unit: str
    units: int

    def batch(self, step: int) -> Batch:
        """This rank's part of the training batch of a step, counted from 0."""

    def validation(self, number: int) -> Batch:
        """A batch of the validation part; the same number gives the same one."""

    def bits(self, loss: float) -> float | None:
        """Bits per character at a loss in nats; None where the data are no text."""

    def sample(self, seed: int) -> str | None:
        """A text by the model, where it writes one."""


class LanguageTask:
    """A language model on a text: see `Task`."""

    unit = "tokens"

    def __init__(
        self,
        preset: Preset,
        seed: int,
        text: Text,
        tokenizer: AnyTokenizer,
        source: str,
        ranks: Ranks = ALONE,
    ) -> None:
        self.language = LanguageModel(preset, tokenizer, seed, source)
        self.model = self.language.model
        self.name, self.digest = text.name, text.digest
        self.units = preset.batch * preset.context
        self._sample = preset.sample
        if not preset.batch:
            hint = "0 stands for all rows of a table; a text has no rows"
            raise ArgumentError("batch is 0; of a text it must be 1 or more", hint=hint)
        mine = part_of(ranks, preset.batch, "windows")
        found = text.encoded(tokenizer, preset)
        sizes = (preset.context, preset.batch, seed)
        training, validation = found.starts
        self.batch = Windows(found.training, *sizes, starts=training, mine=mine)
        self.validation = Windows(found.validation, *sizes, starts=validation, site="validation")
        self._characters = _characters_per_token(found.validation, tokenizer)

    def bits(self, loss: float) -> float | None:
        """Nats a token are loss/log(2) bits, shared by the token's characters.

        nan where some tokens stand for words outside the vocabulary.
        """
        return loss / float(np.log(2)) / self._characters

    def sample(self, seed: int) -> str | None:
        """What the model writes from the start of a text."""
        if not self._sample or "logits" not in self.model.graph.values:
            return None
        letters = self.language.write(self.language.start, Choice(seed=seed))
        return "".join(islice(letters, self._sample)).strip("\n")


def _characters_per_token(tokens: Tokens, tokenizer: AnyTokenizer) -> float:
    seen = tokens[:_COUNTED]
    if unknown(tokenizer, seen):
        return float("nan")
    return len(tokenizer.decode(seen.tolist())) / len(seen)


class TableTask:
    """Any model with a scalar loss on the rows of a table: see `Task`.

    The validation part is a share of the rows, drawn by the seed. The others are gone through in an
    order of their own in every pass, `batch` of them a step; what is left over waits for the next
    pass.
    """

    unit = "rows"

    def __init__(
        self, preset: Preset, seed: int, table: Table, source: str, ranks: Ranks = ALONE
    ) -> None:
        graph, sizes = model_graph(preset, source), dict(preset.sizes)
        count(graph, sizes)
        self.model = Model(graph, sizes, seed=seed)
        self.name, self.digest = table.name, table.digest
        self._table, self._seed = table, seed
        order = self._order("validation", 0, table.rows)
        held = int(table.rows * preset.validation)
        self._held, self._rows = (order[:held], order[held:]) if held else (order, order)
        self.units = min(preset.batch or len(self._rows), len(self._rows))
        self._mine = part_of(ranks, self.units, "rows")
        self._pass = lru_cache(maxsize=2)(self._shuffled)

    def _order(self, site: str, number: int, rows: int) -> NDArray[np.int64]:
        return np.argsort(uniform(self._seed, site, number, rows), kind="stable")

    def _shuffled(self, number: int) -> NDArray[np.int64]:
        return self._rows[self._order("rows", number, len(self._rows))]

    def batch(self, step: int) -> Batch:
        """The rows of a step."""
        number, place = divmod(step, len(self._rows) // self.units)
        rows = self._pass(number)[place * self.units :][: self.units]
        return self._table.take(rows[self._mine])

    def validation(self, number: int) -> Batch:
        """As many of the rows held out as a step sees, one after another, round and round."""
        width = min(self.units, len(self._held))
        places = (np.arange(width) + number * width) % len(self._held)
        return self._table.take(np.sort(self._held[places]))

    def bits(self, loss: float) -> float | None:
        """Rows have no characters."""
        return None

    def sample(self, seed: int) -> str | None:
        """Nothing is written."""
        return None
