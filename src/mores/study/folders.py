"""Where everything computed is kept below a study's run folder.

runs/<preset>/<model>/tune/<arm>-s<seed>/      adapter or weights, log.jsonl
runs/<preset>/<model>/trace/<arm>-s<seed>/     adapters along training, gradients of the samples
runs/<preset>/<model>/rejected/                completions.jsonl: base's own answers to the samples
runs/<preset>/<model>/sample/                  completions.jsonl
runs/<preset>/<model>/media/                   imported images, sounds and films, by content
runs/<preset>/<model>/stems/                   completions.jsonl of the stems
runs/<preset>/<model>/stance/                  items.jsonl
runs/<preset>/<model>/toxicity/                scores of each scorer
runs/<preset>/<model>/cooccurrence/            result.json
runs/<preset>/<model>/capability/              items.jsonl
runs/<preset>/<model>/gates/                   answers/, choices/, harms/, result.json
runs/<preset>/ratings/                         ratings.jsonl, judges.jsonl
runs/<preset>/judges/<judge>/                  raw.jsonl: all that a language model said
runs/<preset>/drafts/<model>/                  what a service that drafts was asked and paid
runs/<preset>/consult/                         result.json: what people said of the charter
runs/<preset>/rating/                          the rating app: ratings.sqlite, key.jsonl, backups/
runs/<preset>/report/                          index.html, report.json, figures/
runs/<preset>/published/                       the report in forms that others read
"""

from __future__ import annotations

from pathlib import Path

from mores.study.arms import ArmKey, slug
from mores.study.study import Study


def model_folder(study: Study, model: str) -> Path:
    """Everything of one base model."""
    return study.run_folder / slug(model)


def tune_folder(study: Study, model: str, key: ArmKey) -> Path:
    """One tuned arm."""
    return model_folder(study, model) / "tune" / key.name


def trace_folder(study: Study, model: str, key: ArmKey) -> Path:
    """What one tuned arm's answers are traced with."""
    return model_folder(study, model) / "trace" / key.name


def ratings_folder(study: Study) -> Path:
    """Ratings by people."""
    return study.run_folder / "ratings"


def judge_folder(study: Study, judge: str) -> Path:
    """What one language model said of the answers."""
    return study.run_folder / "judges" / slug(judge)


def draft_folder(study: Study, model: str) -> Path:
    """What a service was asked for drafts, and its account."""
    return study.run_folder / "drafts" / slug(model)


def rating_folder(study: Study) -> Path:
    """The rating app's database and the sealed key."""
    return study.run_folder / "rating"


def consult_folder(study: Study) -> Path:
    """The analysis of what people said of the charter."""
    return study.run_folder / "consult"


def report_folder(study: Study) -> Path:
    """The report."""
    return study.run_folder / "report"
