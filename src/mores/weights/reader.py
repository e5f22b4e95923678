"""What asking a model needs to know of it, with or without its weights in memory.

reader = open_reader(resolve("smollm2-135m"))     # tokenizer and configuration, no weights
reader = loaded.reader                            # of a model in memory
reader = Reader("gpt-4.1-mini")                   # nothing but a name
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mores.errors import ModelError
from mores.weights.chat import chat_form
from mores.weights.quiet import quiet
from mores.weights.resolve import ResolvedModel

LIMITS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length")
"""Settings under which architectures keep the longest text that they were made for."""
UNKNOWN = 1 << 20
"""Stands for a context whose length nobody says."""


@dataclass(frozen=True)
class Reader:
    """A model as something that reads prompts."""

    name: str
    tokenizer: Any = None
    """None where only the model's service has it: prompts are then sent as text."""
    context: int = UNKNOWN
    """Longest text in tokens."""
    ends: frozenset[int] = frozenset()
    """Ids that end an answer."""


def open_reader(resolved: ResolvedModel) -> Reader:
    """Read tokenizer and configuration of a model's folder.

    Raises:
        ModelError: they cannot be read.
    """
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    folder = resolved.folder
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"its tokenizer cannot be loaded: {(str(error) or repr(error)).splitlines()[0]}",
                path=folder,
                fix="a model folder holds config.json, tokenizer files and *.safetensors",
            ) from error
        generation = None
        with suppress(OSError):
            generation = GenerationConfig.from_pretrained(folder, local_files_only=True)
    return Reader(resolved.name, tokenizer, context_of(config), ends_of(tokenizer, generation))


def context_of(config: Any) -> int:
    """Return the longest text in tokens that a configuration names."""
    text = config.get_text_config()
    limits = (getattr(text, name, None) for name in LIMITS)
    return int(next((limit for limit in limits if limit), UNKNOWN))


def ends_of(tokenizer: Any, generation: Any) -> frozenset[int]:
    """Ids that end a text: the tokenizer's, the configuration's, and what ends a chat turn."""
    ends = {int(tokenizer.eos_token_id)}
    configured = getattr(generation, "eos_token_id", None)
    ends.update([configured] if isinstance(configured, int) else configured or ())
    if tokenizer.chat_template:
        with suppress(ModelError):  # a template that cannot be used is not used
            ends.add(chat_form(tokenizer).end)
    return frozenset(ends)
