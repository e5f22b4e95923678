"""One grid of one model: rows are built, planned into batches, drawn and kept batch by batch.

grid = Grid(study, spec, "sample", keys, decoding, inputs, extra, build)
completions = grid.run(progress)      # draws what is missing
grid.step(base).stale()               # for readers: is what lies there current?
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.errors import ModelError
from mores.progress import Progress, Task
from mores.records import Completion, Decoding, Record, to_plain
from mores.sample.flags import flags
from mores.sample.requests import Request, completion_id
from mores.sample.row import Drawn
from mores.step import Made, Step
from mores.store.lines import read_records
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.tune.base import base_of
from mores.tune.run import tuned_folders, weight_digests
from mores.weights.rates import planned_seconds

if TYPE_CHECKING:
    from mores.sample.engine import Engine
    from mores.weights.reader import Reader
    from mores.weights.resolve import ResolvedModel

COMPLETIONS = "completions.jsonl"
Build = Callable[["Reader"], list[Request]]


@dataclass(frozen=True)
class Grid:
    """What is asked of one model in one step."""

    study: Study
    spec: ModelSpec
    name: str
    """The step, and its folder below the model's."""
    keys: Sequence[ArmKey]
    decoding: Decoding
    inputs: Mapping[str, str]
    """Digests of what the rows are built from."""
    extra: Mapping[str, Any]
    """Settings of this step besides those of all sampling."""
    build: Build

    def step(self, base: str | None) -> Step:
        """What the grid is drawn from; see `mores.tune.run.known_base` for ``base``."""
        weights = weight_digests(self.study, self.spec)
        sample = self.study.config.sample
        return Step(
            self.name,
            folders.model_folder(self.study, self.spec.name) / self.name,
            inputs={
                **self.inputs,
                "model": base,
                **{k.name: weights[k.name] for k in self.keys if k.name in weights},
            },
            config={
                "arms": [key.name for key in self.keys],
                "decoding": to_plain(self.decoding),
                "seed": self.study.config.seed,
                **engine_settings(self.spec),
                "batch_rows": sample.batch_rows,
                "memory_gb": sample.memory_gb,
                **self.extra,
            },
            seed=self.study.config.seed,
            log=self.study.run_folder,
            in_parts=True,
        )

    def run(self, progress: Progress) -> list[Completion]:
        """Return the completions, drawing what is missing.

        Raises:
            ModelError: an arm has not been tuned, or a prompt leaves no room for an answer.
            ServiceError: an endpoint refuses or stops answering; what came is kept.
        """
        resolved = base_of(self.spec, progress.say)
        needed = any(key.weights != "base" for key in self.keys)
        tuned = tuned_folders(self.study, self.spec, progress.say) if needed else {}
        step = self.step(resolved.digest)
        step.run(lambda: self._draw(resolved, tuned, step, progress), say=progress.say)
        return read_records(step.folder / COMPLETIONS, Completion)

    def _draw(
        self, resolved: ResolvedModel, tuned: dict[str, Path], step: Step, progress: Progress
    ) -> Made:
        from mores.sample.engine import Job, engine_of
        from mores.weights.machine import peak_memory_gb

        start = time.perf_counter()
        counter = _Counter()
        job = Job(
            self.study,
            self.spec,
            resolved,
            tuned,
            self.decoding,
            step.folder,
            progress,
            on_tokens=counter.add,
        )
        with closing(engine_of(self.spec.engine)(job)) as engine:
            settings = [to_plain(self.decoding), engine_settings(self.spec)]
            book = _Book(step, settings, engine.facts)
            ordered = self._answers(engine, book, counter, progress, resolved.digest)
            facts = engine.facts
        counter.task.finish()
        self._refuse_silence(ordered)
        store.write_jsonl(step.folder / COMPLETIONS, ordered)
        drawn = sum(row.tokens for row in ordered if row.id not in book.earlier)
        rate = drawn / (time.perf_counter() - start)
        progress.say(self._summary(ordered, rate))
        absent = sum(bool(row.absent) for row in ordered)
        return Made(
            [COMPLETIONS],
            facts={
                "completions": len(ordered),
                "tokens": sum(r.tokens for r in ordered),
                **({"absent": absent} if absent else {}),
                "engine": facts,
            },
            timing={
                "model": self.spec.name,
                "tokens": drawn,
                "tokens_per_second": round(rate, 1),
                "peak_memory_gb": round(peak_memory_gb(), 2),
            },
        )

    def _answers(
        self, engine: Engine, book: _Book, counter: _Counter, progress: Progress, model: str
    ) -> list[Completion]:
        """Take what was kept, draw the rest, keep each unit as it comes; in order of requests."""
        most, reader = self.decoding.max_new_tokens, engine.reader
        requests = self.build(reader)
        counter.task = progress.task(
            self.name,
            len(requests) * most,
            "tokens at most",
            planned=self._planned(requests, model),
        )
        done: dict[str, Completion] = {}
        missing = []
        for unit in engine.units(requests):
            kept = book.kept(unit)
            if kept is None:
                missing.append(unit)
            done |= {row.id: row for row in kept or ()}
        counter.resume(len(done) * most)
        for unit, results in engine.draw(missing):
            rows = [
                self._completion(request, result, reader)
                for request, result in zip(unit, results, strict=True)
            ]
            book.keep(unit, rows)
            done |= {row.id: row for row in rows}
            counter.note(len(done) * most, f"{len(done)}/{len(requests)} answers")
        return [done[completion_id(self.spec.name, r)] for r in requests]

    def _planned(self, requests: Sequence[Request], model: str) -> float | None:
        """Seconds by the plan for all requests, each prompt read once; None for other engines."""
        if self.spec.engine != "torch":
            return None
        return planned_seconds(
            model,
            self.study.config.recipe.method,
            read=sum(map(len, {r.ids for r in requests})),
            draw=len(requests) * self.decoding.max_new_tokens,
        )

    def _refuse_silence(self, rows: Sequence[Completion]) -> None:
        """Stop where a whole arm has no answer: that says something of the request.

        Raises:
            ModelError: with what was said of the first prompt.
        """
        for key in self.keys:
            own = [r for r in rows if (r.arm, r.seed) == (key.arm, key.seed)]
            if own and all(r.absent for r in own):
                raise ModelError(
                    f"none of the {len(own)} answers of arm {key.name} came: {own[0].absent}",
                    where=f"model {self.spec.name!r}, prompt {own[0].prompt_id!r}",
                    fix="see what the service says; [models.endpoint] decides what is sent",
                )

    def _completion(self, request: Request, result: Drawn, reader: Reader) -> Completion:
        text = own = result.text or ""
        if result.text is None:
            text = answer_text(reader.tokenizer, request.opened + result.ids, request.stop)
            own = answer_text(reader.tokenizer, result.ids, request.stop)
        return Completion(
            id=completion_id(self.spec.name, request),
            prompt_id=request.prompt_id,
            category=request.category,
            model=self.spec.name,
            arm=request.key.arm,
            seed=request.key.seed,
            draw=request.draw,
            text=text,
            finish_reason=result.finish_reason,
            prompt_tokens=len(request.ids) if result.read is None else result.read,
            tokens=len(result.ids) if result.drawn is None else result.drawn,
            flags=() if result.absent else flags(own),
            absent=result.absent,
        )

    def _summary(self, rows: Sequence[Completion], rate: float) -> str:
        lines = [f"{self.name}: {len(rows)} completions, {rate:.0f} tokens/s"]
        for key in self.keys:
            answers = [r for r in rows if (r.arm, r.seed) == (key.arm, key.seed)]
            stopped = sum(r.finish_reason == "stop" for r in answers)
            marked = sum(bool(r.flags) for r in answers)
            absent = sum(bool(r.absent) for r in answers)
            lines.append(
                f"  {key.name:<22} {stopped}/{len(answers)} stopped by themselves, "
                f"{marked} marked as empty, repetitive or broken"
                + (f", {absent} not answered" if absent else "")
            )
        return "\n".join(lines)


def engine_settings(spec: ModelSpec) -> dict[str, Any]:
    """What of a model's engine decides its answers; nothing for the usual one."""
    if spec.engine == "torch":
        return {}
    settings: dict[str, Any] = {"engine": spec.engine}
    if spec.endpoint is not None:
        e = spec.endpoint
        settings["endpoint"] = {"url": e.url, "api": e.api, "served": e.served, "extra": e.extra}
    return settings


def answer_text(tokenizer: Any, ids: Sequence[int], stop: str) -> str:
    """Return the text of drawn tokens up to the stop text, without surrounding blanks."""
    # The stop text begins with a line break, so blanks go last: an answer may be nothing but it.
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return (text.split(stop, maxsplit=1)[0] if stop else text).strip()


class _Counter:
    """Tokens drawn so far, for the display; an answer that ended early counts as all its tokens."""

    task: Task

    def __init__(self) -> None:
        self.shown = 0.0

    def add(self, tokens: float) -> None:
        self.shown += tokens
        self.task.advance(tokens)

    def resume(self, tokens: int) -> None:
        self.shown = tokens
        self.task.resume(tokens)

    def note(self, tokens: int, note: str) -> None:
        more, self.shown = tokens - self.shown, tokens
        self.task.advance(more, note)


class _Kept(Record, frozen=True, kw_only=True):
    """One unit in the journal."""

    unit: str
    rows: tuple[Completion, ...]


class _Book:
    """Answers that were kept, by what they were drawn from."""

    def __init__(self, step: Step, settings: Any, facts: Mapping[str, Any]) -> None:
        # Without what an engine only knows when all is drawn.
        version = {k: facts.get(k) for k in ("name", "version")}
        self.made_from = [settings, step.seed, step.inputs, version]
        self.journal = step.journal()
        self.units = {kept.unit: kept.rows for kept in self.journal.records(_Kept)}
        self.earlier: set[str] = set()

    def _name(self, unit: Sequence[Request]) -> str:
        rows = [(r.key.name, r.prompt_id, r.draw, r.ids, r.messages, r.text) for r in unit]
        return store.digest([rows, self.made_from])

    def kept(self, unit: Sequence[Request]) -> tuple[Completion, ...] | None:
        rows = self.units.get(self._name(unit))
        self.earlier.update(row.id for row in rows or ())
        return rows

    def keep(self, unit: Sequence[Request], rows: Sequence[Completion]) -> None:
        self.journal.append(_Kept(unit=self._name(unit), rows=tuple(rows)))
