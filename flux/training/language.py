"""A language model: the library's `gpt` with a tokenizer, which writes text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from flux.errors import UnknownNameError
from flux.expr import Expr
from flux.nn import Decoder, Model, decoder_of
from flux.training.blueprint import TOKENS, count, language_sizes, model_graph
from flux.training.presets import Preset
from flux.training.sample import Choice, generate
from flux.training.tokenizer import AnyTokenizer, Tokens
from flux.training.writing import write_text

TIME = "t"  # what places are called in the text of a language model


class LanguageModel:
    """A model that reads tokens and gives the logits of those that follow.

    Args:
        preset: its sizes.
        tokenizer: its vocabulary.
        seed: of its initial parameters.
        source: the text of its file, where the model is one of the user's own.

    Attributes:
        model: the parameters; a trainer changes them in place.
        source: see above; empty for a model of the library.
    """

    def __init__(
        self, preset: Preset, tokenizer: AnyTokenizer, seed: int, source: str = ""
    ) -> None:
        self.preset = preset
        self.tokenizer = tokenizer
        self.source = source
        graph, sizes = model_graph(preset, source), language_sizes(preset, tokenizer.size)
        count(graph, sizes)
        self.model = Model(graph, sizes, seed=seed)

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
        return decoder_of(self.model, logits_of(self.model), TOKENS, TIME, self.preset.context)

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
        """What follows each prompt up to the end of its line, or `longest` tokens."""
        encoded = [self.tokenizer.encode(prompt, "<prompt>") for prompt in prompts]
        decoders = [self.tokenizer.decoder() for _ in prompts]
        written = ["" for _ in prompts]
        steps = generate(self.logits, encoded, self.preset.context, choice)
        for found in islice(steps, longest):
            written = [
                text + decode([token])
                for text, decode, token in zip(written, decoders, found.tolist(), strict=True)
            ]
            if all("\n" in text for text in written):
                break
        return [text.partition("\n")[0] for text in written]


def logits_of(model: Model) -> Expr:
    """What a language model chooses its tokens by.

    Raises:
        UnknownNameError: its text has no value of that name.
    """
    found = model.graph.values.get("logits")
    if found is None:
        raise UnknownNameError(
            f"{model.graph.name} has no value `logits`, from which a token could be chosen",
            hint="bind that name in the model's text",
        )
    return found
