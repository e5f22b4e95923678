"""What `mores export` returns and writes beside the weights."""

from __future__ import annotations

from typing import Literal

from mores.records import Decoding, Record

Form = Literal["adapter", "merged", "gguf", "ollama", "vllm"]
Dtype = Literal["f32", "bf16", "f16", "q8_0"]


class CheckedSample(Record, frozen=True, kw_only=True):
    """One training sample, read before and after, in nats a token of its answer."""

    id: str
    tokens: int
    """Of the answer, with what ends it."""
    base: float
    """Mean log-probability by the base model."""
    before: float
    """The same by the tuned arm, as mores runs it in float32."""
    after: float
    """The same by what was written, read again from the disk."""
    difference: float
    """Mean over tokens of |after - before|: differences of both signs do not cancel."""


class WeightCheck(Record, frozen=True, kw_only=True):
    """Whether what was written says what the tuned arm says."""

    loader: str
    """What read the files again."""
    samples: tuple[CheckedSample, ...]
    largest: float
    """The largest `CheckedSample.difference`."""
    limit: float
    """Above it nothing is written."""
    change: float
    """Largest |before - base|: what tuning changed in these answers."""
    tells_base: bool
    """Whether the base model itself would have been refused: else the check is a weak one."""


class PromptFormat(Record, frozen=True, kw_only=True):
    """How to ask the exported model: as it was trained and measured."""

    format: Literal["chat", "qa"]
    prompt: str
    """The text up to where the answer begins; ``{question}`` stands for the question."""
    prompt_with_system: str
    """The same with a text before everything (``{system}``), such as a position."""
    special_tokens_added: bool
    """Whether the tokenizer adds its own tokens to that text; else it is encoded as it stands."""
    stop: tuple[str, ...]
    """Texts that end an answer and do not belong to it."""
    stop_tokens: tuple[str, ...]
    """Tokens that end an answer."""
    stop_token_ids: tuple[int, ...]
    decoding: Decoding
    """How the study drew its answers: what it says holds for these settings."""


class Exported(Record, frozen=True, kw_only=True):
    """What was exported, from what, and what the check found."""

    folder: str
    form: Form
    dtype: Dtype | None
    """None where weights are copied as they are."""
    study: str
    version: str
    model: str
    """The base model, as the study names it."""
    base_digest: str
    arm: str
    """Such as ``values_targeted-s1``."""
    arm_digest: str
    """Digest of what tuning made, as in the study's manifests."""
    files: dict[str, str]
    """Name in the folder → digest of its content."""
    check: WeightCheck
    command: str
    """How to run it here; empty where any program will do."""
    notes: tuple[str, ...] = ()
