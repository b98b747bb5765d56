"""Models: graphs of the language with sizes and parameters."""

from flux.nn.batch import Batch, conform, sizes_of
from flux.nn.decoder import (
    CachedDecoder,
    Decoder,
    DecodingPrograms,
    FullDecoder,
    decoder_of,
    decoding_programs,
    window_program,
)
from flux.nn.model import Model
from flux.nn.parameters import GROUPS, OTHERS, WEIGHTS, Entry, Parameters

__all__ = [
    "GROUPS",
    "OTHERS",
    "WEIGHTS",
    "Batch",
    "CachedDecoder",
    "Decoder",
    "DecodingPrograms",
    "Entry",
    "FullDecoder",
    "Model",
    "Parameters",
    "conform",
    "decoder_of",
    "decoding_programs",
    "sizes_of",
    "window_program",
]
