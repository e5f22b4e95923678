"""What the co-occurrence measure says: records that a report can print and JSON can hold."""

from __future__ import annotations

from mores.records import Estimate, Record
from mores.study import CooccurrenceConfig


class GroupSize(Record, frozen=True, kw_only=True):
    """How much text about a group there is; length alone moves raw counts."""

    group: str
    documents: int
    empty: int
    """Documents without a single word."""
    words: int
    """All words, those of the stems included."""
    words_per_document: float


class TermAssociation(Record, frozen=True, kw_only=True):
    """A word that one arm uses more with a group than with the other groups."""

    group: str
    term: str
    count: int
    documents: int
    rest_count: int
    per_thousand: float
    """Occurrences in a thousand counted words about the group."""
    rest_per_thousand: float
    delta: float
    """Log-odds ratio against the rest, in nats, with the Dirichlet prior."""
    variance: float
    z: float
    p_family: float | None
    """Family-wise over all groups and words of the topic; None: see the topic's reason."""
    p_word: float | None = None
    """Of this word by itself, not adjusted: share of the same random deals of whole texts
    in which its |z| is as large."""
    p: float
    """From the normal distribution of z, not adjusted; takes words, not texts, for independent."""
    q: float
    """Benjamini-Hochberg over the same family, from ``p``."""


class TopicAssociations(Record, frozen=True, kw_only=True):
    """Associations of one arm within one topic."""

    topic: str
    arm: str
    sizes: tuple[GroupSize, ...]
    vocabulary: int = 0
    tested: int = 0
    """Words that occur often enough to be tested."""
    shown: int | None = None
    """Words with a family-wise p of at most .05 with any group; None: none could be tested."""
    critical_z: dict[str, float] | None = None
    """By group: a word is shown if its |z| is above this (family-wise p at most .05)."""
    terms: tuple[TermAssociation, ...] = ()
    """The most favoured words of each group, by z."""
    sentiment: tuple[Estimate, ...] = ()
    total_variation: Estimate | None = None
    note: str = ""
    """What so many texts can and cannot show."""
    reason: str = ""
    """Why something is missing, or empty."""


class TermChange(Record, frozen=True, kw_only=True):
    """A word whose association with a group differs between two arms."""

    group: str
    term: str
    count: int
    """Occurrences with the group in the arm."""
    rest_count: int
    reference_count: int
    reference_rest_count: int
    delta: float
    reference_delta: float
    change: float
    """Primary: ``delta - reference_delta``, in nats."""
    variance: float
    z: float
    p_family: float
    p: float
    q: float
    gap: float | None
    """Occurrences in a thousand words about the group, minus those about the rest."""
    reference_gap: float | None
    gap_z: float | None
    """Secondary: z of ``gap - reference_gap``."""
    gap_p_family: float | None


class TopicChange(Record, frozen=True, kw_only=True):
    """Change of associations between two arms on the same stems and draws."""

    topic: str
    arm: str
    reference: str
    pairs: int = 0
    left_out: int = 0
    """Completions whose stem and draw the other arm lacks."""
    tested: int = 0
    shown: int | None = None
    """Words whose log-odds ratio with any group changed (family-wise p at most .05)."""
    weaker: int | None = None
    """Of those shown, how many are nearer to no association than in the reference, with every
    group with which they are shown."""
    gap_shown: int | None = None
    """The same for differences of shares."""
    gap_weaker: int | None = None
    critical_z: dict[str, float] | None = None
    """By group, as in `TopicAssociations`."""
    terms: tuple[TermChange, ...] = ()
    """The largest |z| of either kind; with two groups, of the first (the second mirrors it)."""
    overall: Estimate | None = None
    """Largest |z| of a log-odds ratio with its family-wise p: did any association change?"""
    overall_gap: Estimate | None = None
    """The same for differences of shares."""
    sentiment: tuple[Estimate, ...] = ()
    note: str = ""
    reason: str = ""


class CooccurrenceResult(Record, frozen=True, kw_only=True):
    """Everything that the measure says of one model's arms."""

    model: str
    train_seeds: dict[str, int]
    """Training seed of each arm (0: not trained)."""
    associations: str
    """Version of the associations file."""
    seed: int
    config: CooccurrenceConfig
    topics: tuple[TopicAssociations, ...]
    changes: tuple[TopicChange, ...]
    notes: tuple[str, ...] = ()
