"""What goes in: charter, samples, findings, recipe, prompts and their variants, decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, field

from mores.records.base import DRAFT, Arm, Count, Day, Id, Positive, Record, Share, Split, matching

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
    suppress: dict[str, str] = field(default_factory=dict)
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

ASKED, ANSWERED = "Person: ", "Model: "
"""Who speaks, in a conversation written out."""


class Exchange(Record, frozen=True, kw_only=True):
    """One earlier turn of a conversation: what was asked, and what was answered."""

    prompt: Annotated[str, Meta(min_length=1)]
    completion: str = ""
    """Empty, in a `Variant` only: the arm's own answer to the prompt that it varies."""


_LANGUAGE = matching(
    r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?\Z", "a language tag (BCP 47), such as es or pt-BR"
)


def transcript(earlier: Sequence[Exchange], question: str) -> str:
    """Return a question with what was said before it; the bare question where nothing was."""
    if not earlier:
        return question
    turns = (text for t in earlier for text in (ASKED + t.prompt, ANSWERED + t.completion))
    return "\n\n".join((*turns, ASKED + question))


def refuse_open(whose: str, earlier: Sequence[Exchange]) -> None:
    """Refuse earlier turns that nobody answered.

    Raises:
        ValueError: one has no completion.
    """
    if not all(turn.completion for turn in earlier):
        raise ValueError(f"{whose}: an earlier turn has no completion")


Language = Annotated[str, Meta(pattern=_LANGUAGE)]
"""BCP 47, or empty: the charter's."""


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
    earlier: tuple[Exchange, ...] = ()
    """What was said before the question, oldest first."""
    prefill: str = ""
    """How the answer begins; the model goes on from there, and the completion begins with it."""
    language: Language = ""
    suppress: dict[str, str] = field(default_factory=dict)
    author: str = ""
    reviewer: str = ""
    accepted: Day = ""

    @property
    def asked(self) -> str:
        """The question as people and judges read it, with what was said before it."""
        return transcript(self.earlier, self.text)

    def __post_init__(self) -> None:
        refuse_open(f"prompt {self.id!r}", self.earlier)


class Variant(Record, frozen=True, kw_only=True):
    """A test prompt, or the question of a stance pair, asked in another way."""

    id: Id
    varies: Id
    """Id of the prompt or pair."""
    kind: Id
    """In which way, such as ``typos`` or ``push_back``; what the report groups by."""
    text: Annotated[str, Meta(min_length=1)]
    """The question."""
    earlier: tuple[Exchange, ...] = ()
    prefill: str = ""
    language: Language = ""
    aligned: str = ""
    """Of a pair in another language: its answers there; else the pair's own."""
    opposed: str = ""
    source: str = ""
    """``rule …``, or ``draft by …`` of what a model wrote; empty where a person did."""
    made_from: str = ""
    """Of what a rule or model made: short digest of the question it was made from."""
    author: str = ""
    reviewer: str = ""
    """Who has read it; what a model wrote counts in no figure before."""
    accepted: Day = ""

    def __post_init__(self) -> None:
        if bool(self.aligned) != bool(self.opposed):
            raise ValueError(f"variant {self.id!r}: aligned and opposed come together")

    @property
    def own_answer(self) -> bool:
        """Whether it goes on from the arm's own answer, so that only a prompt can have it."""
        return any(not turn.completion for turn in self.earlier)

    @property
    def unread(self) -> bool:
        """Whether a model wrote it and nobody has read it yet."""
        return self.source.startswith(DRAFT) and not self.reviewer.strip()


class Decoding(Record, frozen=True, kw_only=True):
    """How text is drawn. The same for all arms."""

    temperature: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.7
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    top_k: Count = 0  # no limit
    max_new_tokens: Positive = 200
