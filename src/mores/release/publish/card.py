"""The model card of a tuned arm: README.md with metadata as the Hugging Face Hub reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mores.consult.in_words import NOBODY_ASKED, who_took_part
from mores.records import BESIDE, to_plain
from mores.release.publish.level import Level, levels_of
from mores.release.publish.licence import licence_of_weights
from mores.release.publish.markdown import environment, table
from mores.release.publish.printed import (
    differences,
    headlines_of,
    levels,
    not_measured,
    of_arm,
    robustness,
)
from mores.release.publish.subject import Subject, arm_id, asset_of, hub_id
from mores.report import tables, words
from mores.report.judge_lines import judge_lines
from mores.report.model import ArmSummary, ModelSummary
from mores.report.page import scopes_of
from mores.report.provenance import command
from mores.report.robust_tables import margin_of, share_of
from mores.report.select import PRIMARY
from mores.weights.assets.table import Asset

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

CONTROL = "control"


def model_card(subject: Subject, model: ModelSummary, arm: ArmSummary) -> str:
    """Return the card of a tuned arm.

    Every figure is the report's: in the text as the report prints it, in the metadata
    (``model-index``) in full, with its interval, its verdict and the digest of the report.

    Args:
        subject: what is published.
        model: the arm's base model.
        arm: one of `Subject.tuned`.
    """
    metadata = _metadata(subject, model, arm)
    return f"---\n{metadata}\n---\n\n{_text(subject, model, arm)}"


def _metadata(subject: Subject, model: ModelSummary, arm: ArmSummary) -> str:
    from huggingface_hub import ModelCardData

    study, base = subject.study, hub_id(model.name)
    lora = study.config.recipe.method == "lora"
    relation: dict[str, Any] = {"base_model_relation": "adapter" if lora else "finetune"}
    data = ModelCardData(
        language=study.charter.language,
        **licence_of_weights(study.config.license, asset_of(model.name)),
        library_name="peft" if lora else "transformers",
        pipeline_tag="text-generation",
        base_model=base or None,
        datasets=[f"{subject.name}-{CONTROL if arm.arm == CONTROL else 'values'}"],
        tags=["mores", "values", arm.arm.replace("_", "-"), *(["lora"] if lora else [])],
        model_name=arm_id(subject, model, arm).rpartition("/")[2],
        eval_results=list(_results(subject, model, arm)) or None,
        **(relation if base else {}),
    )
    text: str = data.to_yaml(line_break="\n")
    return text.strip()


def _results(subject: Subject, model: ModelSummary, arm: ArmSummary) -> Iterator[EvalResult]:
    from huggingface_hub import EvalResult

    def result(
        measure: str, metric: str, value: float, args: dict[str, Any], about: Level | None
    ) -> EvalResult:
        return EvalResult(
            task_type="text-generation",
            task_name=words.measure_label(measure),
            dataset_type=_data_id(subject, about.data if about else measure),
            dataset_name=about.data if about else words.measure_label(measure),
            dataset_split="test",
            dataset_revision=(about.digest or None) if about else None,
            metric_type=metric,
            metric_name=words.measure_label(measure) if about else args["contrast"],
            metric_value=value,
            metric_args={**{k: v for k, v in args.items() if v is not None},
                         "source": f"report.json {subject.digest}"},
        )  # fmt: skip

    own = levels_of(subject, model, arm)
    for level in own:
        e = level.estimate
        args = {"unit": level.unit, "n": level.n, "counted": level.counted,
                "low": e and e.low, "high": e and e.high}  # fmt: skip
        yield result(level.measure, level.metric, level.value, args, level)
    about = {level.measure: level for level in own}
    for e in of_arm(subject.report, model.name, arm.arm):
        # A reader of metadata sees a number without its verdict: only what a card is about.
        main = e.contrast in (*PRIMARY, f"{arm.arm} - base")
        if e.value is None or e.category != "overall" or e.measure.endswith(BESIDE) or not main:
            continue
        args = {"contrast": e.contrast, "low": e.low, "high": e.high, "level": e.level, "p": e.p,
                "n": e.n, "counted": e.unit, "verdict": e.claim, "method": e.method,
                "caveat": e.reason or None}  # fmt: skip
        yield result(e.measure, "difference", e.value, args, about.get(e.measure))


def _file(asset: Asset) -> str:
    """The file inside a package that the base weights come from."""
    return asset.joined.name if asset.joined else asset.members[0].rpartition("/")[2]


def _data_id(subject: Subject, data: str) -> str:
    """A file of the study goes by the study's name, a task by its own."""
    stem, dot, _ = data.partition(".jsonl")
    return f"{subject.name}-{stem}" if dot else data


def _text(subject: Subject, model: ModelSummary, arm: ArmSummary) -> str:
    report, study = subject.report, subject.study
    asset = asset_of(model.name)
    recipe = study.config.recipe_of(subject.spec(model), arm.arm)
    set_name = CONTROL if arm.arm == CONTROL else "values"
    consulted, lacking = report.consultation, not_measured(report, model, arm)
    compared = arm.arm in ("values_targeted", CONTROL)
    return (
        environment()
        .get_template("model.md.j2")
        .render(
            report=report,
            model=model,
            arm=arm,
            title=arm_id(subject, model, arm).rpartition("/")[2],
            base=hub_id(model.name),
            packed=f"{_file(asset)} of {asset.package} {asset.version}" if asset else "",
            base_license=asset.license if asset else "",
            digest=subject.digest,
            runs=sum(a.arm == arm.arm for a in model.arms),
            language=study.charter.language,
            asked=NOBODY_ASKED if consulted is None else who_took_part(consulted),
            set_name=set_name,
            set_digest=report.inputs.get(f"{set_name}.jsonl", ""),
            samples=len(study.dataset(arm.arm).examples),
            recipe=table(("Setting", "Value"), [(k, str(v)) for k, v in to_plain(recipe).items()]),
            headlines=headlines_of(report, model.name) if compared else [],
            judges=judge_lines([j for j in report.ratings.judges if j.model == model.name])
            if compared
            else [],
            scopes=scopes_of(report),
            meanings=words.MEANINGS,
            levels=[(h, table(head, rows)) for h, head, rows in levels(report, model, arm)],
            differences=[
                (h, table(head, rows)) for h, head, rows in differences(report, model.name, arm.arm)
            ],
            otherwise=[(h, table(head, rows)) for h, head, rows in robustness(report, model.name)]
            if compared
            else [],
            margin=share_of(margin_of(report)),
            not_measured=lacking,
            missing=[m for m in report.missing if not any(m.why in line for line in lacking)],
            cost=table(("Cost of the whole run", "Amount"), tables.cost_rows(report)),
            command=command(study),
            words=words,
        )
    )
