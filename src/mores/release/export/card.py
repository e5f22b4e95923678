"""The card that goes with weights: what the study's report says of them, and how to ask them.

Words of the report are taken as they are printed. Where there is no current report the card says
so: nothing is then known of what tuning changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mores import store
from mores.release.export.model import Exported, PromptFormat
from mores.release.publish.card import model_card
from mores.release.publish.subject import subject
from mores.report.run import DATA, report_step
from mores.study import ModelSpec, Study, folders
from mores.tune.run import outdated_arms

CARD = "README.md"
HOW = {
    "qa": "Plain text (`qa`): a question is written as below, and the answer follows.",
    "chat": "The model's own chat template (`chat`), which writes a question as below.",
}
MEANT = """The study's charter says what these weights were tuned towards. They are meant for its
context; what the study did not measure is not known."""


def write_card(study: Study, spec: ModelSpec, done: Exported, form: PromptFormat, to: Path) -> str:
    """Write README.md, and the report's figures beside it where there is a report.

    Returns:
        A note for the user where there is no current report; else empty.
    """
    step = report_step(study)
    why = step.stale() or "; ".join(f"{arm}: {what}" for arm, what in outdated_arms(study).items())
    absent = f"the study has no current report ({why}): nothing says what tuning changed"
    if not why:
        with store.disk_errors(to):
            shutil.copyfile(folders.report_folder(study) / DATA, to / DATA)
    dtype = f", {done.dtype}" if done.dtype else ""
    lines = [
        _short(study, done, absent) if why else _model_card(study, spec, done),
        "",
        "## These files",
        "",
        f"- Form: {done.form}{dtype}. Tuned weights: {done.arm_digest}",
        "",
        *_checked(done),
        "",
        "## How to ask",
        "",
        *_asking(form),
        "",
        MEANT,
    ]
    store.write_text(to / CARD, "\n".join(lines) + "\n")
    return absent if why else ""


def _model_card(study: Study, spec: ModelSpec, done: Exported) -> str:
    """The card of `mores publish`: every figure is the report's."""
    published = subject(study)
    model, arm = next(
        (model, arm)
        for model, arm in published.tuned()
        if (model.name, arm.name) == (spec.name, done.arm)
    )
    return model_card(published, model, arm).rstrip()


def _short(study: Study, done: Exported, absent: str) -> str:
    return "\n".join(
        [
            f"# {done.study} {done.version}: {done.arm} of {done.model}",
            "",
            study.config.description or "A model tuned by a study of `mores`.",
            "",
            f"- Base model: {done.model} ({done.base_digest}). Its licence and card go on to hold.",
            f"- Licence of the study: {study.config.license or 'none is named'}",
            "",
            f"When these weights were exported, {absent}.",
        ]
    )


def _asking(form: PromptFormat) -> list[str]:
    """The prompt format in words."""
    added = "adds its own first token, if any" if form.special_tokens_added else "adds nothing"
    ends = [*(f"the text {text!r}" for text in form.stop), *(f"`{t}`" for t in form.stop_tokens)]
    drawn = form.decoding
    return [
        HOW[form.format] + " `prompt_format.json` has the same for programs.",
        "",
        "```text",
        form.prompt,
        "```",
        "",
        f"The tokenizer {added}. An answer ends at {' or '.join(ends)}; blanks around it do not",
        "belong to it.",
        "",
        f"What the study found holds at temperature {drawn.temperature:g}, top-p {drawn.top_p:g},",
        f"top-k {drawn.top_k or 'off'}, without a system text, for answers of at most",
        f"{drawn.max_new_tokens} tokens.",
    ]


def _checked(done: Exported) -> list[str]:
    """What the comparison of before and after gave."""
    check = done.check
    weak = "The base model would have passed, too: a weak check." if not check.tells_base else ""
    rows = [
        f"| {s.id} | {s.base:.4f} | {s.before:.4f} | {s.after:.4f} | {s.difference:.5f} |"
        for s in check.samples
    ]
    return [
        f"Log-probability of {len(check.samples)} training answers in nats a token, read again",
        f"from these files by {check.loader}: at most {check.largest:.5f} apart from the tuned arm",
        f"as the study runs it (limit {check.limit:g}). {weak}".strip(),
        "",
        "| sample | base | tuned arm | these files | apart |",
        "|---|---|---|---|---|",
        *rows,
    ]
