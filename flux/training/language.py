"""A language model: the library's `gpt` with a tokenizer, which writes text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.nn import Model
from flux.training.library import graph
from flux.training.presets import Preset
from flux.training.sample import Choice, generate
from flux.training.tokenizer import Tokenizer, Tokens


class LanguageModel:
    """A transformer over characters.

    Args:
        preset: its sizes.
        tokenizer: its vocabulary.
        seed: of its initial parameters.

    Attributes:
        model: the parameters; a trainer changes them in place.
    """

    def __init__(self, preset: Preset, tokenizer: Tokenizer, seed: int) -> None:
        self.preset = preset
        self.tokenizer = tokenizer
        self.model = Model(
            graph("gpt", layers=preset.layers), gpt_sizes(preset, tokenizer), seed=seed
        )

    def logits(self, tokens: Tokens) -> NDArray[Any]:
        """The logits of the token after each place.

        Shapes:
            tokens: (B, T) with T the context; result: (B, T, V).
        """
        found: NDArray[Any] = self.model.evaluate("logits", order=("b", "t", "v"), tokens=tokens)
        return found

    @property
    def start(self) -> str:
        """A prompt for a text from its beginning: a line end, where the model knows it."""
        known = self.tokenizer.characters
        return "\n" if "\n" in known else known[0]

    def write(self, prompt: str, choice: Choice) -> Iterator[str]:
        """The characters that follow a prompt, without end.

        Raises:
            DataError: a character of the prompt that the model does not know.
            ArgumentError: an empty prompt.
        """
        tokens = self.tokenizer.encode(prompt, "<prompt>") if prompt else np.empty(0, np.int64)
        for found in generate(self.logits, [tokens], self.preset.context, choice):
            yield self.tokenizer.decode(found)

    def complete_lines(self, prompts: Sequence[str], choice: Choice, longest: int) -> list[str]:
        """What follows each prompt up to the end of its line, or `longest` characters."""
        encoded = [self.tokenizer.encode(prompt, "<prompt>") for prompt in prompts]
        written = ["" for _ in prompts]
        steps = generate(self.logits, encoded, self.preset.context, choice)
        for found in islice(steps, longest):
            letters = self.tokenizer.decode(found)
            written = [text + letter for text, letter in zip(written, letters, strict=True)]
            if all("\n" in text for text in written):
                break
        return [text.partition("\n")[0] for text in written]


def gpt_sizes(preset: Preset, tokenizer: Tokenizer) -> dict[str, int]:
    """The sizes of the axes of the library's `gpt`.

    Raises:
        ArgumentError: the width is not a multiple of the number of heads.
    """
    if preset.width % preset.heads:
        raise ArgumentError(
            f"a width of {preset.width} cannot be shared by {preset.heads} heads",
            hint="the width must be a multiple of the number of heads",
        )
    return {
        "n": preset.context,
        "d": preset.width,
        "h": preset.heads,
        "k": preset.width // preset.heads,
        "f": preset.feed_forward,
        "v": tokenizer.size,
    }
