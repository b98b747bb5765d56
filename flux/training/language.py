"""A language model: the library's `gpt` with a tokenizer, which writes text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.nn import Decoder, Model, decoder_of
from flux.training.library import graph
from flux.training.presets import Preset
from flux.training.sample import Choice, generate
from flux.training.tokenizer import Tokenizer, Tokens
from flux.training.writing import write_text

# What the tokens and their places are called in the text of a language model.
TOKENS, TIME = "tokens", "t"


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

    @cached_property
    def decoder(self) -> Decoder:
        """What gives the logits that follow a text, token after token."""
        logits = self.model.graph.values["logits"]
        return decoder_of(self.model, logits, TOKENS, TIME, self.preset.context)

    @property
    def context(self) -> int:
        """The longest window."""
        return self.preset.context

    @property
    def start(self) -> str:
        """A prompt for a text from its beginning: a line end, where the model knows it."""
        return self.tokenizer.start

    def write(self, prompt: str, choice: Choice) -> Iterator[str]:
        """The text that follows a prompt, token by token, without end.

        Raises:
            DataError: a character of the prompt that the model does not know.
            ArgumentError: an empty prompt.
        """
        return write_text(self.decoder, self.tokenizer, prompt, choice)

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
