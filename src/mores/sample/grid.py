"""One grid of one model: rows are built, planned into batches, drawn and kept batch by batch.

grid = Grid(study, spec, "sample", keys, decoding, inputs, extra, build)
completions = grid.run(progress)      # draws what is missing
grid.step(base).stale()               # for readers: is what lies there current?
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.progress import Progress
from mores.records import Completion, Decoding, to_plain
from mores.sample.flags import flags
from mores.sample.requests import Request, completion_id
from mores.step import Made, Step
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.tune.run import tuned_folders, weight_digests

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

COMPLETIONS = "completions.jsonl"
Build = Callable[["LoadedModel"], list[Request]]


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
        """
        from mores.weights.resolve import resolve

        resolved = resolve(self.spec.name, say=progress.say)
        needed = any(key.weights != "base" for key in self.keys)
        tuned = tuned_folders(self.study, self.spec, progress.say) if needed else {}
        step = self.step(resolved.digest)
        step.run(lambda: self._draw(resolved, tuned, step, progress), say=progress.say)
        return store.read_jsonl(step.folder / COMPLETIONS, Completion)

    def _draw(
        self, resolved: ResolvedModel, tuned: dict[str, Path], step: Step, progress: Progress
    ) -> Made:
        from mores.sample.weights import weights_in_place
        from mores.weights.load import load
        from mores.weights.machine import peak_memory_gb, set_threads

        set_threads()
        start = time.perf_counter()
        loaded = load(resolved, dtype=self.study.config.recipe.dtype, say=progress.say)
        requests = self.build(loaded)
        done: dict[str, Completion] = {}
        drawn = 0
        most = self.decoding.max_new_tokens
        task = progress.task(self.name, len(requests) * most, "tokens at most")
        for group in _groups(loaded, requests, tuned):
            batches = self._batches(loaded, group)
            with weights_in_place(loaded, tuned, {r.key.weights for r in group}):
                for batch in batches:
                    rows, fresh = self._batch(loaded, batch, step, task.advance)
                    drawn += fresh
                    done |= {row.id: row for row in rows}
                    # A row that ended early counts as all its tokens.
                    counted = sum(min(r.tokens + 1, most) for r in rows) if fresh else 0
                    note = f"{len(done)}/{len(requests)} answers"
                    task.advance(len(batch) * most - counted, note)
        task.finish()
        ordered = [done[completion_id(self.spec.name, r)] for r in requests]
        store.write_jsonl(step.folder / COMPLETIONS, ordered)
        rate = drawn / (time.perf_counter() - start)
        progress.say(self._summary(ordered, rate))
        return Made(
            [COMPLETIONS],
            facts={"completions": len(ordered), "tokens": sum(r.tokens for r in ordered)},
            timing={
                "model": self.spec.name,
                "tokens": drawn,
                "tokens_per_second": round(rate, 1),
                "peak_memory_gb": round(peak_memory_gb(), 2),
            },
        )

    def _batches(self, loaded: LoadedModel, group: list[Request]) -> list[list[Request]]:
        from mores.sample.plan import plan_batches

        sample = self.study.config.sample
        return plan_batches(
            loaded,
            group,
            self.decoding.max_new_tokens,
            batch_rows=sample.batch_rows,
            memory_gb=sample.memory_gb,
        )

    def _batch(
        self,
        loaded: LoadedModel,
        batch: Sequence[Request],
        step: Step,
        advance: Callable[[float], None],
    ) -> tuple[list[Completion], int]:
        """Return a batch's completions and how many tokens were drawn for it just now."""
        from mores.sample.engine import TorchEngine

        rows_of = [(r.key.name, r.prompt_id, r.draw, r.ids) for r in batch]
        decoding, seed = to_plain(self.decoding), self.study.config.seed
        path = step.part([rows_of, decoding, seed, step.inputs])
        if path.exists():
            return store.read_jsonl(path, Completion), 0
        engine = TorchEngine(loaded, on_tokens=advance)
        drawn = engine.draw(batch, self.decoding, self.study.config.seed)
        rows = []
        for request, result in zip(batch, drawn, strict=True):
            text = answer_text(loaded.tokenizer, result.ids, request.stop)
            rows.append(
                Completion(
                    id=completion_id(self.spec.name, request),
                    prompt_id=request.prompt_id,
                    category=request.category,
                    model=self.spec.name,
                    arm=request.key.arm,
                    seed=request.key.seed,
                    draw=request.draw,
                    text=text,
                    finish_reason=result.finish_reason,
                    prompt_tokens=len(request.ids),
                    tokens=len(result.ids),
                    flags=flags(text),
                )
            )
        store.write_jsonl(path, rows)
        return rows, sum(r.tokens for r in rows)

    def _summary(self, rows: Sequence[Completion], rate: float) -> str:
        lines = [f"{self.name}: {len(rows)} completions, {rate:.0f} tokens/s"]
        for key in self.keys:
            answers = [r for r in rows if (r.arm, r.seed) == (key.arm, key.seed)]
            stopped = sum(r.finish_reason == "stop" for r in answers)
            marked = sum(bool(r.flags) for r in answers)
            lines.append(
                f"  {key.name:<22} {stopped}/{len(answers)} stopped by themselves, "
                f"{marked} marked as empty, repetitive or broken"
            )
        return "\n".join(lines)


def answer_text(tokenizer: Any, ids: Sequence[int], stop: str) -> str:
    """Return the text of drawn tokens up to the stop text, without surrounding blanks."""
    # The stop text begins with a line break, so blanks go last: an answer may be nothing but it.
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return (text.split(stop, maxsplit=1)[0] if stop else text).strip()


def _groups(
    loaded: LoadedModel, requests: list[Request], tuned: dict[str, Path]
) -> Iterator[list[Request]]:
    """Rows that can share a batch: base and adapters together where they mix, others alone.

    What lies in the folders decides, not the recipe: it may have changed since.
    """
    from mores.sample.weights import mixes
    from mores.tune.adapters import FULL_WEIGHTS

    adapters = {n: f for n, f in tuned.items() if not (f / FULL_WEIGHTS).exists()}
    alone = set(tuned) - (set(adapters) if mixes(loaded, adapters) else set())
    together = [r for r in requests if r.key.weights not in alone]
    if together:
        yield together
    for name in tuned:
        rows = [r for r in requests if r.key.weights == name and name in alone]
        if rows:
            yield rows
