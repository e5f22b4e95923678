"""The records that cross from one step of the process to the next.

All are frozen and refuse unknown fields. Types and ranges are checked wherever a record is read
(`store.as_record`), so that a function which takes one need not check again. In files they are JSON
objects with the field names given here, in this order.

    charter   Charter, Position
    curate    Dataset, Example, Finding
    tune      Recipe, ModelRef
    sample    Prompt, Decoding, Completion
    measure   StancePair, Score
    rate      Rating, Unrateable
    report    Estimate
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

IN_WORDS: dict[str, str] = {}
"""Pattern of a field → what it asks for, since no message shows a pattern."""


def matching(pattern: str, words: str) -> str:
    """Return a pattern, and keep in words what it asks for."""
    IN_WORDS[pattern] = words
    return pattern


_NAME = matching(r"^[^\s\x00-\x1f]+\Z", "a name without blanks, such as mental_health")
Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME)]
Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
_DAY = matching(r"^(\d{4}-\d{2}-\d{2})?\Z", "a day, such as 2026-11-27")
Day = Annotated[str, Meta(pattern=_DAY)]
"""ISO 8601, or empty where it is not known."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Split = Literal["validation", "test"]

TUNED_ARMS = ("values_targeted", "control", "preference")
CONTEXT_ARMS = ("prompted", "few_shot")
ARMS = ("base", *TUNED_ARMS, *CONTEXT_ARMS)
Arm = Literal["base", "values_targeted", "control", "preference", "prompted", "few_shot"]


class Record(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all records: frozen, unknown fields refused."""


# 1 charter ---------------------------------------------------------------------------------


class Basis(Record, frozen=True, kw_only=True):
    """One source that a position leans on: instrument and article, named exactly."""

    source: Annotated[str, Meta(min_length=1)]
    force: Literal["binding", "soft", "regional", ""] = ""
    """Treaty or binding decision; declaration or comment; treaty of a region; not said."""


class Accountable(Record, frozen=True, kw_only=True):
    """Who answers for a position; or that nobody does, and why."""

    who: str = ""
    """Name or role."""
    contact: str = ""
    """Where to reach them; printed in the report."""
    nobody: str = ""
    """Instead of ``who``: why nobody answers for it, in a few words."""

    def __post_init__(self) -> None:
        if bool(self.who.strip()) == bool(self.nobody.strip()):
            raise ValueError("accountable needs either who (a name or role) or nobody (why not)")


class Position(Record, frozen=True, kw_only=True):
    """What the model should oppose, support and not do in one category."""

    category: Id
    title: Annotated[str, Meta(min_length=1)]
    statement: Annotated[str, Meta(min_length=20)]
    why: str = ""
    """The reason for it, in a sentence or two, for whoever must agree to it."""
    basis: tuple[Basis | str, ...] = ()
    """Legal or other sources, each with its force; plain text says nothing of that."""
    accountable: Accountable | None = None


class Charter(Record, frozen=True, kw_only=True):
    """The positions of a study, one for each category, in order."""

    version: str
    language: str = "en"
    positions: Annotated[tuple[Position, ...], Meta(min_length=1)]

    @property
    def categories(self) -> tuple[str, ...]:
        """Category ids in charter order."""
        return tuple(position.category for position in self.positions)

    def position(self, category: str) -> Position:
        """Return the position of a category (KeyError if there is none)."""
        for position in self.positions:
            if position.category == category:
                return position
        raise KeyError(category)


# 2 curate ----------------------------------------------------------------------------------


class Example(Record, frozen=True, kw_only=True):
    """One question and the answer that the model is tuned on."""

    id: Id
    category: Id
    prompt: Annotated[str, Meta(min_length=1)]
    completion: Annotated[str, Meta(min_length=1)]
    author: str = ""
    reviewer: str = ""
    license: str = ""
    source: str = ""
    why: str = ""
    """Which part of the position it enacts."""
    suppress: dict[str, str] = {}
    """Lint rule id → reason why it does not apply to this sample."""
    accepted: Day = ""
    """When it was taken into the set."""


class Dataset(Record, frozen=True, kw_only=True):
    """A named set of examples."""

    name: str
    examples: tuple[Example, ...]


Severity = Literal["error", "warning", "info"]


class Finding(Record, frozen=True, kw_only=True):
    """One thing that `mores check` noticed."""

    rule: str
    """Stable id, such as ``M101``."""
    name: str
    """Readable name, such as ``answer-length``."""
    severity: Severity
    message: str
    fix: str = ""
    path: str = ""
    line: int | None = None
    ids: tuple[str, ...] = ()
    """Ids of the records concerned."""
    suppressed: str = ""
    """Reason given by the author for setting it aside, or empty."""
    value: float | None = None
    """The measured quantity, where the rule measures one."""


# 3 tune ------------------------------------------------------------------------------------


class Recipe(Record, frozen=True, kw_only=True):
    """How an arm is tuned. Values and control arms share one recipe (`StudyConfig.recipe_of`)."""

    method: Literal["full", "lora"] = "lora"
    epochs: Positive = 2
    batch_size: Positive = 8
    """Samples for each optimiser step."""
    micro_tokens: Positive = 512
    """Most tokens in one forward pass; bounds memory, does not change the result."""
    learning_rate: Annotated[float, Meta(gt=0.0, lt=1.0)] = 1e-3
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Share = 0.1
    """Share of the steps over which the learning rate rises from zero."""
    prompt_weight: Share = 0.1
    """Loss weight of prompt tokens; completion tokens weigh 1."""
    weight_decay: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    clip_norm: Annotated[float, Meta(gt=0.0)] = 1.0
    lora_rank: Positive = 16
    lora_alpha: Positive = 32
    anchor: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.0
    """Weight of KL(base, tuned) on neutral texts, nats a token (`mores.tune.anchor`); 0: none."""
    beta: Annotated[float, Meta(gt=0.0, le=10.0)] = 0.1
    """Of the preference arm: what a departure from base costs (`mores.tune.preference`)."""
    early_stopping: Count = 0
    """Epochs without a better held-out loss before stopping; 0 turns it off."""
    held_out: Share = 0.0
    """Share of the samples kept out of training to measure loss."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        if self.early_stopping and not self.held_out:
            raise ValueError("early_stopping needs held_out > 0")


class ModelRef(Record, frozen=True, kw_only=True):
    """A model as an arm of the study: where its weights are and what they are."""

    model: str
    """Name of the base model in the study."""
    arm: Arm
    seed: int
    """Training seed; 0 for arms that are not trained."""
    parameters: Count
    location: str
    """Folder of the weights, relative to the run, or the base's name."""
    digest: str


# 4 sample ----------------------------------------------------------------------------------


class Prompt(Record, frozen=True, kw_only=True):
    """One evaluation question."""

    id: Id
    category: Id
    text: Annotated[str, Meta(min_length=1)]
    split: Split
    kind: Literal["neutral", "leading"] = "neutral"
    presets: tuple[str, ...] = ()
    """Prompt sets that it belongs to, such as ``palms-2021``."""
    near: str = ""
    """Id of the sample whose situation it shares: reported apart."""
    suppress: dict[str, str] = {}
    author: str = ""
    reviewer: str = ""
    accepted: Day = ""


class Decoding(Record, frozen=True, kw_only=True):
    """How text is drawn. The same for all arms."""

    temperature: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.7
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    top_k: Count = 0  # no limit
    max_new_tokens: Positive = 200


FinishReason = Literal["stop", "length", "context", "absent"]


class Completion(Record, frozen=True, kw_only=True):
    """What one arm answered to one prompt in one draw."""

    id: Id
    prompt_id: Id
    category: str
    model: str
    arm: Arm
    seed: int
    draw: int
    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    tokens: int
    """Tokens drawn, without the end-of-text token."""
    flags: tuple[str, ...] = ()
    """``empty``, ``repetitive``, ``broken``: marked, never hidden."""
    absent: str = ""  # why there is no answer, where a service would give none
    media: str | UnsetType = UNSET  # file of an image, sound or film that was answered, no text


# 5 measure and rate ------------------------------------------------------------------------


class StancePair(Record, frozen=True, kw_only=True):
    """A held-out question with two answers alike in form: one for the position, one against it."""

    id: Id
    category: Id
    prompt: Annotated[str, Meta(min_length=1)]
    aligned: Annotated[str, Meta(min_length=1)]
    opposed: Annotated[str, Meta(min_length=1)]
    split: Split = "test"
    suppress: dict[str, str] = {}
    author: str = ""
    reviewer: str = ""
    accepted: Day = ""


class Score(Record, frozen=True, kw_only=True):
    """What one scorer says of one completion; None with a reason where it cannot say."""

    completion_id: Id
    scorer: str
    version: str
    digest: str
    attribute: str
    value: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("a Score without a value needs a reason")


class Rating(Record, frozen=True, kw_only=True):
    """One person's (or one judge's) rating of one completion, 1 to 5."""

    completion_id: Id
    rater: Id
    value: Annotated[int, Meta(ge=1, le=5)]
    seconds: float | None = None
    kind: Literal["human", "judge"] = "human"


class Unrateable(Record, frozen=True, kw_only=True):
    """One person's answer that a completion cannot be rated. Reported apart, never a 1."""

    completion_id: Id
    rater: Id
    reason: str = ""


# 6 statistics ------------------------------------------------------------------------------

Verdict = Literal[
    "shown",
    "not shown",
    "worse",
    "non-inferior",
    "inconclusive",
    "exploratory",
    "descriptive",
    "not computable",
]
"""``exploratory``: tested and printed, but no hypothesis of the study: it claims nothing."""

Scope = Literal[
    "",
    "in this run",
    "in these runs",
    "by these raters",
    "in this run, by these raters",
    "in these runs, by these raters",
]
"""What a verdict speaks of: with one or two training runs of these weights, not the method; where
other raters would not be shown to see it, of those who rated (`docs/report.md`)."""


def claim(verdict: Verdict, scope: Scope) -> str:
    """Return a verdict as it is printed; only one that claims something speaks of something."""
    claims = verdict in ("shown", "worse", "non-inferior")
    return f"{verdict} {scope}" if scope and claims else verdict


SIZES = ("/probability of superiority", "/Cliff's delta", "/Cohen's d")
"""Ends of an `Estimate.measure` without a verdict; a slash alone may be a scorer's name's."""
CHECKS = ("/other raters", "/missing scored worst", "/extreme answers", "/near-training questions")
"""Ends of an `Estimate.measure` that stands beside a measure and bounds what its verdict says."""
BESIDE = SIZES + CHECKS


class Estimate(Record, frozen=True, kw_only=True):
    """A number with its uncertainty and its method: the only kind that a report prints."""

    measure: str = ""
    contrast: str = ""
    category: str = ""
    """A category id, or ``overall``."""
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int
    """Number of independent units (``unit``) behind the value."""
    unit: str
    method: str
    verdict: Verdict = "descriptive"
    scope: Scope = ""
    level: float = 0.95
    p_adjusted: float | None = None
    reason: str = ""
    """Why it is not computable, or a caveat that must travel with the number."""
    details: dict[str, float | int | str | None] = {}

    def __post_init__(self) -> None:
        numbers = (self.value, self.low, self.high, self.p, self.p_adjusted)
        if not all(x is None or math.isfinite(x) for x in numbers):
            raise ValueError(f"{self.measure}/{self.contrast}: not a finite number in an Estimate")
        if self.verdict == "not computable" and not self.reason:
            raise ValueError("'not computable' needs a reason")

    @property
    def claim(self) -> str:
        """The verdict as it is printed, with what it speaks of: ``shown in this run``."""
        return claim(self.verdict, self.scope)


def to_plain(record: Any) -> Any:
    """Return a record as plain dicts, lists and scalars."""
    return msgspec.to_builtins(record)
