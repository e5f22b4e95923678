"""A sampled study → what language models say of its answers.

mores.rate.judge(load_study(Path("my-study")))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mores import store
from mores.errors import DataError, did_you_mean
from mores.progress import Progress
from mores.rate.judge.answer import JudgeAnswer
from mores.rate.judge.book import Book
from mores.rate.judge.items import Item, judge_items
from mores.rate.judge.prompt import Prompt, read_prompt
from mores.rate.judge.requests import Request, judge_requests
from mores.rate.judge.result import JudgeResult, Judging, judge_result, notes_of, verdicts
from mores.rate.judge.rule import VERSION, Pair
from mores.rate.judge_names import refuse_judged_model, related
from mores.rate.ratings import add_judgements, refuse_judge
from mores.records import to_plain
from mores.step import Made, Step
from mores.study import Study, folders
from mores.study.judges import Judge
from mores.tune.run import known_base

if TYPE_CHECKING:
    from mores.weights.resolve import ResolvedModel

JUDGE = "judge"
RAW = "raw.jsonl"


def judge(
    study: Study,
    *,
    only: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Judging:
    """Let language models rate the answers from 1 to 5, blind, beside people and never for them.

    A judge reads the position, the question and the answer; no arm and no model. Each text is asked
    twice, with the scale written in both orders. Judges are those of [[judges]] in study.toml, and
    there is no default one. Their opinion has no verdict in the report.

    Args:
        study: the study, with completions.
        only: name of a judge in study.toml, to ask no others (may be repeated).
        progress: where to show how far it is.

    Raises:
        DataError: no judges, nothing sampled, a judge that is a judged model or a
            person by name.
        ServiceError: an endpoint refuses, its budget is used up, or its answers stay away; what
            came is kept, and the same command goes on from there.
        ModelError: the weights of a judge cannot be loaded.
    """
    progress = progress or Progress(quiet=True)
    chosen = _chosen(study, only)
    for one in chosen:
        _refuse(study, one, progress.say)
    prompt = read_prompt(study)
    results: list[JudgeResult] = []
    with store.lock(study.run_folder):
        items = judge_items(study)
        for one in chosen:
            results.append(_Judging(study, one, items, prompt, progress).run())
    families = [one.family for one in study.config.judges]
    return Judging(judges=tuple(results), notes=tuple(notes_of(results, families)))


def judge_step(
    study: Study,
    judge: Judge,
    items: Sequence[Item],
    prompt: Prompt,
    model: str | None = None,
) -> Step:
    """What a judge's ratings come from; readers do not look at a model's weights.

    Args:
        study: as it is now.
        judge: one of its judges.
        items: what is rated now.
        prompt: what is asked now.
        model: digest of a judge's weights here.
    """
    asked: Any = judge.asked
    if judge.endpoint is not None:
        e = judge.endpoint
        asked = {"url": e.url, "model": judge.asked, "extra": e.extra}
    return Step(
        JUDGE,
        folders.judge_folder(study, judge.name),
        inputs={
            "items": store.digest([[item.key, item.completions] for item in items]),
            "prompt": prompt.digest,
            "model": model if judge.endpoint is None else store.digest(asked),
        },
        config={
            "judge": judge.name,
            "family": judge.family,
            "asked": asked,
            "rule": VERSION,
            "dtype": study.config.recipe.dtype if judge.endpoint is None else "",
        },
        seed=study.config.seed,
        label=f"judge {judge.name}",
        log=study.run_folder,
        in_parts=True,
    )


def read_result(step: Step) -> JudgeResult | None:
    """Return what a judge's step has found; None where it has not run."""
    return msgspec.convert(step.manifest.facts, JudgeResult) if step.manifest else None


def _chosen(study: Study, only: Sequence[str]) -> list[Judge]:
    known = [one.name for one in study.config.judges]
    if not known:
        raise DataError(
            "this study names no judges, and there is no default one",
            path=study.folder / "study.toml",
            fix='add [[judges]] with name, family, and model or endpoint = {url = "..."} '
            "(docs/judges.md)",
        )
    for name in only:
        if name not in known:
            raise DataError(
                f"no judge {name!r}{did_you_mean(name, known)}",
                path=study.folder / "study.toml",
                fix="judges: " + ", ".join(known),
            )
    return [one for one in study.config.judges if not only or one.name in only]


def _refuse(study: Study, judge: Judge, say: store.Say) -> None:
    refuse_judge(study, judge.name)
    refuse_judged_model(study, judge.asked)
    for model in related(study, judge.family):
        say(
            f"judge {judge.name}: {model} has the name of its family ({judge.family}); a model "
            "tends to prefer texts of its own family"
        )


class _Judging:
    """One judge at work."""

    def __init__(
        self,
        study: Study,
        judge: Judge,
        items: Sequence[Item],
        prompt: Prompt,
        progress: Progress,
    ) -> None:
        self.study, self.judge, self.items, self.prompt = study, judge, items, prompt
        self.progress = progress
        self.resolved = self._resolve() if judge.endpoint is None else None
        digest = self.resolved.digest if self.resolved else None
        self.step = judge_step(study, judge, items, prompt, digest)

    def _resolve(self) -> ResolvedModel:
        """Find the judge's weights, which must not be those of a judged model.

        Raises:
            DataError: they are.
        """
        from mores.weights.resolve import resolve

        resolved = resolve(self.judge.model, say=self.progress.say)
        for spec in self.study.config.models:
            if resolved.digest == known_base(self.study, spec):
                raise DataError(
                    f"the judge {self.judge.name!r} has the weights of the judged model "
                    f"{spec.name!r}: a model tends to prefer its own texts",
                    fix="use a model of another family as judge",
                )
        return resolved

    def run(self) -> JudgeResult:
        """Ask what is not known yet, and put the ratings beside people's."""
        self.step.run(self._make, say=self.progress.say)
        rows = store.read_jsonl(self.step.folder / RAW, JudgeAnswer, unique="key")
        ratings, absent = verdicts(self.judge, self.items, _pairs(rows), self.study.config.seed)
        add_judgements(self.study, self.judge.name, ratings, absent)
        result = read_result(self.step)
        assert result is not None
        return result

    def _make(self) -> Made:
        seed, raw = self.study.config.seed, self.step.folder / RAW
        identity = store.digest([self.step.inputs["model"], self.step.config["dtype"]])
        requests = judge_requests(self.items, self.prompt, self.judge.name, identity, seed)
        earlier = store.read_jsonl(raw, JudgeAnswer, unique="key") if raw.exists() else []
        book = Book(self.step.journal(), earlier)
        bar = self.progress.task(self.step.label, len(requests), "requests")
        self._ask(requests, book, bar.advance)
        bar.finish()
        rows = [book.answers[request.key] for request in requests]
        store.write_jsonl(raw, rows)
        about = (self.prompt.version, self.prompt.digest)
        result = judge_result(self.judge, self.items, _pairs(rows), about, seed)
        return Made([RAW], facts=to_plain(result), timing={"requests": len(requests)})

    def _ask(self, requests: Sequence[Request], book: Book, on_items: Any) -> None:
        if self.resolved is None:
            from mores.rate.judge.ask import JudgeAsker

            JudgeAsker(self.judge, book, self.step.folder).ask(requests, on_items)
            return
        if all(request.key in book.answers for request in requests):
            return
        from mores.rate.judge.here import judge_here
        from mores.weights.load import load
        from mores.weights.machine import set_threads

        set_threads()
        loaded = load(self.resolved, dtype=self.study.config.recipe.dtype, say=self.progress.say)
        judge_here(loaded, requests, book, on_items)


def _pairs(rows: Sequence[JudgeAnswer]) -> dict[str, Pair]:
    by: dict[str, dict[str, JudgeAnswer]] = {}
    for row in rows:
        by.setdefault(row.item, {})[row.order] = row
    return {item: Pair(**two) for item, two in by.items()}
