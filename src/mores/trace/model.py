"""What a trace is: an answer, what tuning changed in it, which samples, which position, who.

These records are what `mores trace --json` prints and what a page shows. A number that could not be
had is None, and the field beside it says why.
"""

from __future__ import annotations

from typing import Literal

from mores.records import Basis, Record

Source = Literal["completion", "given", "drawn"]
CategoryFrom = Literal["the prompt", "you", "the sample nearest in wording"]


class TokenChange(Record, frozen=True, kw_only=True):
    """One token of the answer, with its log-probability under each arm, in nats."""

    text: str
    """Its part of the answer; empty where a letter takes several tokens and this is not the last.
    What ends an answer is written as the model's own mark."""
    tuned: float
    control: float | None
    """None where the study has no control arm."""
    base: float


class ArmLikelihood(Record, frozen=True, kw_only=True):
    """How likely one arm finds the answer."""

    arm: str
    """Such as ``values_targeted-s1``, or ``base``."""
    sum: float
    """Log-probability of the whole answer given the question, in nats."""
    mean: float
    """The same a token."""


class Change(Record, frozen=True, kw_only=True):
    """What tuning changed in an answer."""

    tokens: tuple[TokenChange, ...]
    tuned: ArmLikelihood
    control: ArmLikelihood | None
    base: ArmLikelihood
    minus_base: float
    """Tuned minus base, nats a token."""
    minus_control: float | None
    """Tuned minus control, nats a token."""


class SampleInfluence(Record, frozen=True, kw_only=True):
    """One training sample, and how near it stands to the answer in two ways."""

    id: str
    category: str
    question: str
    answer: str
    author: str
    reviewer: str
    alignment: float | None
    """Cosine of the sample's and the answer's gradients, mean over checkpoints weighted by learning
    rate: from -1 to 1. None where it could not be taken (`Trace.influence_absent`)."""
    alignment_rank: int | None
    """1: the most aligned of all samples."""
    tracin: float | None
    """TracIn: what plain gradient steps on this sample would take off the answer's mean loss, in
    nats a token. Long and easy samples have small gradients, hence small values."""
    tracin_rank: int | None
    likeness: float
    """Of question and answer together: cosine of word stems weighted by rarity, 0 to 1."""
    likeness_rank: int


class KeptGradients(Record, frozen=True, kw_only=True):
    """What the influence was taken with."""

    samples: int
    checkpoints: tuple[int, ...]
    """Optimiser steps after which gradients were taken."""
    steps: int
    """Optimiser steps in all."""
    weights: int
    """Trained weights: the length of a whole gradient."""
    dimension: int
    """Numbers that are kept of each gradient; as many as weights where nothing is left out."""
    size: int
    """Bytes on disk, the adapters of the checkpoints included."""
    difference: float
    """Largest difference of a weight at the end of the repeated training from the arm's own; 0:
    the very same weights."""


class Kept(Record, frozen=True, kw_only=True):
    """An arm's gradients on disk: `KeptGradients` and what reading them needs."""

    about: KeptGradients
    ids: tuple[str, ...]
    """Of the samples, in the order of the rows."""
    rates: tuple[float, ...]
    """Weight of each checkpoint: learning rates of the steps it stands for, over the samples."""


class PositionBehind(Record, frozen=True, kw_only=True):
    """The position of the charter that an answer falls under."""

    category: str
    found_by: CategoryFrom
    title: str
    statement: str
    why: str
    """Empty where the charter gives none."""
    basis: tuple[Basis | str, ...]
    consulted: str
    """What people who were asked said of it, or that nobody was asked."""


class PeopleBehind(Record, frozen=True, kw_only=True):
    """Who wrote, looked at and answers for it."""

    authors: tuple[str, ...]
    """Of the position's samples, as they are named there."""
    reviewers: tuple[str, ...]
    unnamed: int
    """Samples of the position without an author."""
    signed: str
    accountable: str


class Trace(Record, frozen=True, kw_only=True):
    """One answer traced back to its reasons."""

    study: str
    version: str
    model: str
    arm: str
    """The tuned arm whose samples are traced, such as ``values_targeted-s1``."""
    source: Source
    """A completion of the study, an answer given with the question, or one drawn for it now."""
    completion: str
    """Id of the completion, or empty."""
    answered_by: str
    """The arm that gave the answer; empty where a person typed it."""
    question: str
    answer: str
    change: Change | None
    change_absent: str
    """Why there is no `change`; empty where there is one."""
    samples: tuple[SampleInfluence, ...]
    """All training samples, the most aligned first; by likeness where that is absent."""
    influence_absent: str
    kept: KeptGradients | None
    position: PositionBehind
    people: PeopleBehind
    paragraph: str
    limits: tuple[str, ...]
    """What all this does not show."""
    page: str = ""
    """Path of the page, where one was asked for."""
