"""The public functions of `mores measure`: toxicity, co-occurrence, capability, gates.

mores.measure_toxicity(validate=Path("labelled.csv"), text="comment", label="toxic")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mores import store
from mores.errors import MeasureError
from mores.progress import Progress
from mores.study import load_study

if TYPE_CHECKING:
    from mores.measure.cooccurrence import CooccurrenceResult, TopicAssociations
    from mores.measure.gates import GateResult
    from mores.measure.toxicity import ValidationCard
    from mores.measure.toxicity.scorer import Scorer
    from mores.records import Score, TaskItem


def measure_toxicity(
    folder: Path | None = None,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    scorer: str | None = None,
    validate: Path | None = None,
    text: str = "text",
    label: str = "label",
    quiet: bool = False,
) -> list[Score] | ValidationCard:
    """Score the completions of a study, or see how far a scorer can be trusted.

    Args:
        folder: the study; with validate only for its scorer's settings, so not needed there.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        scorer: instead of the study's own: "lexical", "hf:MODEL", "guard:MODEL", "moderation:URL",
            "perspective" or "replay:PATH" (docs/toxicity.md).
        validate: a labelled CSV or JSONL; prints AUC, thresholds and false positives by
            identity term.
        text: column of the texts in that file.
        label: column of the labels (0/1, true/false, or a share) in that file.
        quiet: no progress display.

    Raises:
        MoresError: unknown scorer, missing column, completions not sampled.
    """
    from mores.measure import toxicity
    from mores.measure.run import measure_toxicity as measure

    if validate is not None:
        judge = _scorer(folder, preset, set_, scorer)
        rows = toxicity.read_labelled(Path(validate), text=text, label=label)
        return toxicity.validate(judge, rows, source=Path(validate).name)
    if folder is None:
        raise MeasureError("nothing to measure", fix="give a study, or --validate FILE")
    extra = (f'toxicity.scorers=["{scorer}"]',) if scorer else ()
    study = load_study(Path(folder), preset=preset, overrides=(*set_, *extra))
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        return measure(study, progress=progress)


def _scorer(
    folder: Path | None, preset: str | None, overrides: tuple[str, ...], name: str | None
) -> Scorer:
    """A scorer by itself, with the settings that a study has for it where one is given."""
    from mores.measure.run import scorer_of
    from mores.measure.toxicity import scorer

    if folder is None:
        return scorer(name or "lexical")
    study = load_study(Path(folder), preset=preset, overrides=overrides)
    return scorer_of(study, name or study.config.toxicity.scorers[0])


def measure_cooccurrence(
    folder: Path | None = None,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    texts: Path | None = None,
    text: str = "text",
    group: str = "group",
    min_count: int = 10,
    permutations: int = 1000,
    seed: int = 2021,
    quiet: bool = False,
) -> list[CooccurrenceResult] | TopicAssociations:
    """Find the words that go with groups: in a study's stems, or in any corpus.

    Args:
        folder: the study; not needed with texts.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        texts: a CSV or JSONL with one text a row.
        text: column of the texts in that file.
        group: column of the groups in that file.
        min_count: with texts: leave rarer words untested.
        permutations: with texts: permutations of group labels.
        seed: with texts: seed of the permutations.
        quiet: no progress display.

    Raises:
        MoresError: missing column, fewer than two groups, stems not sampled.
    """
    from mores.measure.cooccurrence import analyse_file
    from mores.measure.run import measure_cooccurrence as measure

    if texts is not None:
        return analyse_file(
            Path(texts),
            text=text,
            group=group,
            min_count=min_count,
            permutations=permutations,
            seed=seed,
        )
    if folder is None:
        raise MeasureError("nothing to measure", fix="give a study, or --texts FILE")
    study = load_study(Path(folder), preset=preset, overrides=set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        return measure(study, progress=progress)


def measure_capability(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    quiet: bool = False,
) -> list[TaskItem]:
    """Run the configured capability tasks on base and tuned arms.

    Args:
        folder: the study, with tuned arms.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        quiet: no progress display.

    Raises:
        MoresError: an arm is not tuned, a task cannot be read.
    """
    from mores.measure.capability import measure_capability as measure

    study = load_study(Path(folder), preset=preset, overrides=set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        return measure(study, progress=progress)


def measure_gates(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    quiet: bool = False,
) -> list[GateResult]:
    """See whether the tune does harm: refusals, compliance, drift, capability, toxicity, sentiment.

    The last three read what the other measures left; what they have not left is "not measured".
    Only "pass" is a pass.

    Args:
        folder: the study, with tuned arms.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        quiet: no progress display.

    Raises:
        MoresError: an arm is not tuned, a prompt file cannot be read.
    """
    from mores.measure.gates import measure_gates as measure

    study = load_study(Path(folder), preset=preset, overrides=set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        return measure(study, progress=progress)
