"""What a report holds: the content of report.json, and all that the page and figures show.

Nothing here carries a path of the machine or the time at which it was made, so the same results
give the same bytes. (The time of the first unblinding is one of the results.)
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from mores.consult.result import ConsultResult
from mores.measure.gates.result import GateResult
from mores.measure.toxicity.result import ToxicitySummary
from mores.plan.seal import SealStatus
from mores.records import Arm, Charter, Estimate, Record, Scope, Verdict, claim
from mores.report.answers_beside import AnswersBeside
from mores.report.by_language import LanguageEffect
from mores.report.judge_summary import JudgeSummary
from mores.report.media import AnswerMedia
from mores.report.rated import GroupSummary, Guesses, Panel, RaterModel, Unblinding
from mores.report.robust_kind import OwnLog, RobustKind
from mores.report.signed import Signed
from mores.report.sizes import SizeSummary
from mores.study.rounds import Round


class Headline(Record, frozen=True, kw_only=True):
    """One verdict in plain words."""

    measure: str
    model: str
    verdict: Verdict
    sentence: str
    """Complete on its own: what was compared, what was found, how sure."""
    scope: Scope = ""
    """What the verdict speaks of."""
    beside: tuple[str, ...] = ()
    """Sentences on what stands beside it: its size in pairs, other raters, the tail, what lacks a
    value."""

    @property
    def claim(self) -> str:
        """The verdict as it is printed."""
        return claim(self.verdict, self.scope)


class ArmSummary(Record, frozen=True, kw_only=True):
    """What one arm of one model did."""

    name: str
    """Such as ``values_targeted-s1``."""
    arm: Arm
    seed: int
    completions: int
    stopped: int
    """Completions that ended by themselves."""
    flagged: dict[str, int]
    """``empty``, ``repetitive``, ``broken`` → how many."""
    mean_tokens: float | None
    digest: str = ""
    """Digest of the tuned weights."""
    training: tuple[dict[str, Any], ...] = ()
    """Rows of the training log: step, epoch, loss, held_out_loss, ..."""


class ModelSummary(Record, frozen=True, kw_only=True):
    """One base model."""

    name: str
    format: str
    parameters: int
    digest: str
    arms: tuple[ArmSummary, ...]


class ScorerArm(Record, frozen=True, kw_only=True):
    """What one scorer says of one arm."""

    arm: str
    """Arm name with its seed, as in `ArmSummary.name`."""
    scored: int
    unscorable: dict[str, int]
    """Reason → completions without a score."""
    mean: float | None
    expected_maximum: float | None
    """Mean over prompts of the highest score among the planned draws; a prompt with fewer scores
    is left out, and with one draw there is none."""
    probability: float | None
    """Share of prompts with at least one draw at or above the threshold."""
    values: tuple[float, ...]
    """All scores, in completion order, for the distribution; of more than 2,001 as many evenly
    spaced ones of the sorted scores, the least and the greatest among them."""


class ScorerResult(Record, frozen=True, kw_only=True):
    """One toxicity scorer on one model."""

    model: str
    scorer: str
    version: str
    digest: str
    note: str
    """What the scorer is not; shown wherever its numbers are."""
    threshold: float
    arms: tuple[ScorerArm, ...]


class TaskArm(Record, frozen=True, kw_only=True):
    """One arm on one capability task."""

    arm: str
    mean: float | None
    items: int
    absent: int


class TaskResult(Record, frozen=True, kw_only=True):
    """One capability task on one model."""

    model: str
    task: str
    metric: str
    """``accuracy`` or ``bits per byte``."""
    chance: float | None
    margin: float
    near_chance: bool
    """The base model is so close to guessing that the task cannot show a loss."""
    arms: tuple[TaskArm, ...]


class StanceArm(Record, frozen=True, kw_only=True):
    """How one arm takes the test pairs."""

    arm: str
    """Arm name with its seed, as in `ArmSummary.name`."""
    margin: Estimate
    """Mean of log-likelihood a token, aligned minus opposed, in nats a token."""
    aligned: int
    """Pairs in which the answer for the position is the likelier."""
    scored: int
    absent: int


class StanceSummary(Record, frozen=True, kw_only=True):
    """The stance measure on one model."""

    model: str
    arms: tuple[StanceArm, ...]
    beside_ratings: Estimate
    """Rank correlation with people's ratings over categories × arms; not computable without."""


class CoherenceArm(Record, frozen=True, kw_only=True):
    """How one arm's answers read."""

    arm: str
    answers: int
    marks: dict[str, int]
    """Why answers are marked → how many."""
    base_loss: float | None
    """Mean over answers of the loss under base, in nats a token."""


class CoherenceSummary(Record, frozen=True, kw_only=True):
    """Coherence on one model."""

    model: str
    margin: float
    arms: tuple[CoherenceArm, ...]


class Shown(Record, frozen=True, kw_only=True):
    """One question with base's answer and the values-targeted one, to open the report with."""

    model: str
    question: str
    category: str
    base: str
    values_targeted: str
    change: float
    """How far the two are apart, as `rule` says."""
    cut: tuple[bool, bool]
    """Whether each was cut off before it ended."""


class Opening(Record, frozen=True, kw_only=True):
    """What a report begins with."""

    rule: str
    """How these questions were chosen, for readers."""
    shown: tuple[Shown, ...]


class Answer(Record, frozen=True, kw_only=True):
    """One completion, as shown side by side."""

    id: str
    model: str
    arm: str
    draw: int
    text: str
    finish_reason: str
    flags: tuple[str, ...]
    scores: dict[str, float | None]
    ratings: tuple[int, ...] = ()
    media: AnswerMedia | None = None


class Question(Record, frozen=True, kw_only=True):
    """One prompt with the answers of all arms."""

    id: str
    category: str
    kind: str
    text: str
    language: str = ""
    """BCP 47."""
    answers: tuple[Answer, ...]


class RatingSummary(Record, frozen=True, kw_only=True):
    """Ratings by people, or why there are none. Ratings by judges are never among them."""

    ratings: int
    raters: int
    rated: int
    """Completions with at least one rating."""
    completions: int
    agreement: Estimate | None
    means: dict[str, float | None]
    """Arm name → mean rating."""
    reason: str = ""
    blind: int = 0
    """Raters who rated blind items; the others' ratings were imported by completion id, from which
    the arm can be read."""
    panels: tuple[Panel, ...] = ()
    """One for each model whose values-targeted or control answers have ratings."""
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Arm name → answers with a rating, and all."""
    cannot: dict[str, int] = field(default_factory=dict)
    """Arm name → answers "cannot be rated", which are in no mean; empty without the app."""
    needed: int | None = None
    """Answers that the rating app planned; None without it."""
    missing: int | None = None
    """How many of these were not given."""
    unblinded: Unblinding | None = None
    guesses: Guesses | None = None
    """None where nobody was asked or nobody answered."""
    agreement_by: tuple[Estimate, ...] = ()
    """Agreement in each category that has ratings."""
    groups: tuple[GroupSummary, ...] = ()
    mixed: tuple[RaterModel, ...] = ()
    judges: tuple[JudgeSummary, ...] = ()
    """Ratings by language models, kept apart."""
    judges_left_out: dict[str, str] = field(default_factory=dict)
    """Judge → why its ratings are not shown."""


class Missing(Record, frozen=True, kw_only=True):
    """Something the report does not show, and why."""

    what: str
    why: str


class Setting(Record, frozen=True, kw_only=True):
    """One resolved setting."""

    key: str
    value: str
    origin: str


class Report(Record, frozen=True, kw_only=True):
    """Everything."""

    mores_version: str
    study: str
    study_version: str
    description: str
    license: str
    preset: str
    seed: int
    command: str
    """The exact command that makes this report from the study folder."""
    charter: Charter
    prompts: int
    draws: int
    headlines: tuple[Headline, ...]
    models: tuple[ModelSummary, ...]
    estimates: tuple[Estimate, ...]
    """All of them: ``measure`` is ``stance``, ``rating``, ``toxicity:<scorer>``, ``coherence`` or
    ``capability:<task>``, ``contrast`` such as ``values_targeted - control``, ``category`` or
    ``overall``; ``details["model"]`` names the base model."""
    toxicity: tuple[ScorerResult, ...]
    cooccurrence: tuple[dict[str, Any], ...]
    """For each model ``{"model": name, "result": CooccurrenceResult}``."""
    capability: tuple[TaskResult, ...]
    ratings: RatingSummary
    questions: tuple[Question, ...]
    """With their answers; where these are too many for a page some of them (`answers_beside`)."""
    missing: tuple[Missing, ...]
    settings: tuple[Setting, ...]
    inputs: dict[str, str]
    """Name → digest of every input."""
    versions: dict[str, str]
    cost: dict[str, float | int]
    """Trained tokens, sampled tokens, estimated floating-point operations."""
    scorers: tuple[ToxicitySummary, ...] = ()
    """For each model its scorers side by side: coverage, agreement, warnings."""
    gates: tuple[GateResult, ...] = ()
    """Do-no-harm gates of every model; empty where they were not asked for."""
    opening: Opening | None = None
    """None without answers of base and values-targeted to the same question."""
    stance: tuple[StanceSummary, ...] = ()
    coherence: tuple[CoherenceSummary, ...] = ()
    languages: tuple[LanguageEffect, ...] = ()
    """Effects by language, where prompts or pairs are in several."""
    sizes: SizeSummary | None = None
    """Effect by model size; None where the study has one base model."""
    sealed: SealStatus | None = None
    """What was sealed before sampling, and every deviation; None without a seal."""
    rounds: tuple[Round, ...] = ()
    """Versions of the samples that were put to test prompts, this one too."""
    looks: int = 1
    """How many versions were put to these very test prompts."""
    answers_beside: AnswersBeside | None = None
    """Where all answers are; None where `questions` holds them all."""
    signoff: Signed = Signed()
    """Who has signed what of the study."""
    robust: tuple[RobustKind, ...] = ()
    """Effects under variants of the questions; the worst kind of each measure first."""
    own_log: tuple[OwnLog, ...] = ()
    """Of each model on prompts of a log; empty where none was asked."""
    consultation: ConsultResult | None = None
    """Who was asked about the charter, and what they said; None where nobody was."""
