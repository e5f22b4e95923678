"""The study's measures on single answers: of the study's own and of the traffic's, by one code.

    scores = Scores(study)
    scores.of(answers)["refusal"]    # [0.0, 1.0, None, ...]; None: it does not apply there

What a service would have to score is left out, unless it is asked for: traffic is other people's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from mores import store
from mores.measure.english import NO_WORDS, why_not_english
from mores.measure.gates.lexicon import lexicon
from mores.measure.gates.refusal import refuses
from mores.measure.toxicity.run import scorer_of, threshold_of
from mores.measure.toxicity.scorer import Item, Scorer, score_items
from mores.release.watch.traffic import Answer
from mores.sample.flags import flags
from mores.study import Study
from mores.study.languages import identifier

Kind = Literal["share", "number"]
Values = list[float | None]
ELSEWHERE = {
    "perspective": "it would send the traffic to a service; --services allows that",
    "moderation": "it would send the traffic to a service; --services allows that",
    "replay": "it knows the study's stored texts only",
}
"""Kinds of scorers that are left out, and why."""


class Scores:
    """What can be measured of an answer by itself."""

    def __init__(self, study: Study, *, services: bool, say: store.Say) -> None:
        """Make the scorers.

        Raises:
            MeasureError, ModelError, AssetError: see `mores.measure.toxicity.scorer`.
        """
        self.left_out: dict[str, str] = {}
        self.scorers: dict[str, tuple[Scorer, float]] = {}
        for name in study.config.toxicity.scorers:
            kind = name.partition(":")[0].partition("#")[0]
            if kind in ELSEWHERE and not (services and kind != "replay"):
                self.left_out[f"toxicity {name}"] = ELSEWHERE[kind]
            else:
                judge = scorer_of(study, name, say=say)
                self.scorers[name] = judge, threshold_of(study, name)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Every measure, and whether it is a share or a number."""
        kinds: dict[str, Kind] = {}
        for name in self.scorers:
            kinds |= {f"toxicity {name}": "number", f"toxicity {name} marked": "share"}
        return {**kinds, "refusal": "share", "length": "number", "flagged": "share",
                "English": "share"}  # fmt: skip

    @property
    def digest(self) -> str:
        """Digest of all that decides the values."""
        made = [(n, j.version, j.digest, at) for n, (j, at) in self.scorers.items()]
        return store.digest([made, lexicon().digest, identifier()])

    def of(self, answers: Sequence[Answer]) -> dict[str, Values]:
        """Measure answers: measure → a value for each, in order, None where it does not apply."""
        values: dict[str, Values] = {}
        items = [Item(a.text, a.question) for a in answers]
        for name, (judge, threshold) in self.scorers.items():
            found = [reading.value for reading in score_items(items, judge)]
            values[f"toxicity {name}"] = list(found)
            values[f"toxicity {name} marked"] = [
                None if v is None else float(v >= threshold) for v in found
            ]
        single: dict[str, Callable[[Answer], float | None]] = {
            "refusal": _refusal,
            "length": lambda a: float(len(a.text)),
            "flagged": lambda a: float(bool(flags(a.text))),
            "English": _english,
        }
        return values | {name: [one(a) for a in answers] for name, one in single.items()}


def _refusal(answer: Answer) -> float | None:
    """Whether it refuses, by rules for English; None where they do not apply."""
    if why_not_english(answer.text):
        return None
    found = refuses(answer.question or "", answer.text)
    return None if found is None else float(found)


def _english(answer: Answer) -> float | None:
    """Whether it is English; None where there are no words to tell."""
    why = why_not_english(answer.text)
    return None if why == NO_WORDS else float(not why)
