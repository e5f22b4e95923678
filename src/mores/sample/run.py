"""A study with tuned arms → completions. Batches that are done are kept.

sample(study)             # the prompts, every arm
sample_validation(study)  # the validation prompts, base and tuned arms
sample_stems(study)       # the stems of the co-occurrence measure
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mores import step as steps
from mores import store
from mores.errors import StudyError
from mores.progress import Progress
from mores.records import TUNED_ARMS, Completion, Decoding, Manifest, Prompt
from mores.sample.flags import flags
from mores.sample.requests import (
    STEM_ARMS,
    Request,
    completion_id,
    prompt_requests,
    stem_requests,
)
from mores.study import ModelSpec, Study, folders
from mores.study.arms import ArmKey, arm_keys
from mores.tune.run import tuned_manifest

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel
    from mores.weights.resolved import ResolvedModel

COMPLETIONS = "completions.jsonl"
SAMPLE = "sample"
VALIDATION = "validation"
Build = Callable[["LoadedModel"], list[Request]]


def sample(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Put the chosen prompts to every arm of every model.

    Raises:
        ModelError: an arm has not been tuned, or a prompt leaves no room for an answer.
    """
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return _sample(study, SAMPLE, keys, study.chosen_prompts, progress)


def sample_validation(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Put the validation prompts to base and tuned arms: what `mores revise` may look at.

    Raises:
        StudyError: the study has no validation prompts.
        ModelError: an arm has not been tuned, or a prompt leaves no room for an answer.
    """
    prompts = tuple(p for p in study.prompts if p.split == "validation")
    if not prompts:
        raise StudyError(
            "no prompt has the split 'validation', and test prompts must not be looked at",
            path=study.folder / "prompts.jsonl",
            fix='write some with "split": "validation"',
        )
    keys = [
        key for key in arm_keys(study.config.arms, study.config.train_seeds) if key.arm in STEM_ARMS
    ]
    return _sample(study, VALIDATION, keys, prompts, progress)


def _sample(
    study: Study,
    step: str,
    keys: list[ArmKey],
    prompts: tuple[Prompt, ...],
    progress: Progress | None,
) -> list[Completion]:
    config = study.config.sample
    found: list[Completion] = []
    for spec in study.config.models:

        def build(loaded: LoadedModel, spec: ModelSpec = spec) -> list[Request]:
            return prompt_requests(
                loaded, spec.format, keys, prompts, config.draws, study.charter, study.values
            )

        inputs = {
            "prompts": store.digest(prompts),
            "charter": store.digest(study.charter),
            "values": store.digest(study.values.examples),
        }
        extra = {"format": spec.format, "draws": config.draws}
        job = _Job(study, spec, step, keys, config.decoding, inputs, extra, build)
        found += job.run(progress or Progress(quiet=True))
    return found


def sample_stems(study: Study, *, progress: Progress | None = None) -> list[Completion]:
    """Let the base and tuned arms continue the stems of associations.toml.

    Returns:
        Completions whose prompt ids are ``topic/group/stem number``; none where the study has no
        stems or asks for no samples.
    """
    associations = study.associations
    config = study.config.cooccurrence
    if associations is None or not config.samples_per_stem:
        return []
    keys = [
        key for key in arm_keys(study.config.arms, study.config.train_seeds) if key.arm in STEM_ARMS
    ]
    found: list[Completion] = []
    for spec in study.config.models:

        def build(loaded: LoadedModel) -> list[Request]:
            return stem_requests(loaded, keys, associations, config.samples_per_stem)

        inputs = {"associations": store.digest(associations)}
        extra = {"samples_per_stem": config.samples_per_stem}
        job = _Job(study, spec, "stems", keys, config.decoding, inputs, extra, build)
        found += job.run(progress or Progress(quiet=True))
    return found


def read_completions(study: Study, model: str, step: str = SAMPLE) -> list[Completion]:
    """Return the completions of a finished sampling step.

    Raises:
        DataError: the step has not been run.
    """
    return store.read_jsonl(folders.model_folder(study, model) / step / COMPLETIONS, Completion)


@dataclass(frozen=True)
class _Job:
    """One grid of one model: build, plan, draw, write."""

    study: Study
    spec: ModelSpec
    step: str
    keys: list[ArmKey]
    decoding: Decoding
    inputs: dict[str, str]
    extra: dict[str, Any]
    build: Build

    @property
    def folder(self) -> Path:
        return folders.model_folder(self.study, self.spec.name) / self.step

    def run(self, progress: Progress) -> list[Completion]:
        """Return the completions, drawing what is missing."""
        from mores.weights.resolve import resolve

        resolved = resolve(self.spec.name, say=progress.say)
        inputs = {**self.inputs, "model": resolved.digest}
        tuned = {}
        for key in self.keys:
            if key.arm in TUNED_ARMS:
                outputs = tuned_manifest(self.study, self.spec, key).outputs
                inputs[key.name] = store.digest(outputs)
                tuned[key.name] = folders.tune_folder(self.study, self.spec.name, key)
        config = self._config()
        why = folders.outdated(self.folder, inputs, config)
        if why is None:
            progress.say(f"{self.step}: done before, nothing changed")
        else:
            progress.say(f"{self.step}: {why}")
            self._draw(resolved, tuned, inputs, config, progress)
        return read_completions(self.study, self.spec.name, self.step)

    def _config(self) -> dict[str, Any]:
        sample = self.study.config.sample
        return {
            "arms": [key.name for key in self.keys],
            "decoding": msgspec.to_builtins(self.decoding),
            "seed": self.study.config.seed,
            "batch_rows": sample.batch_rows,
            "memory_gb": sample.memory_gb,
            **self.extra,
        }

    def _draw(
        self,
        resolved: ResolvedModel,
        tuned: dict[str, Path],
        inputs: dict[str, str],
        config: dict[str, Any],
        progress: Progress,
    ) -> None:
        from mores.weights.load import load
        from mores.weights.machine import peak_memory_gb, set_threads

        set_threads()
        start = time.perf_counter()
        loaded = load(resolved, dtype=self.study.config.recipe.dtype)
        requests = self.build(loaded)
        parts = self.folder / "parts"
        done: dict[str, Completion] = {}
        drawn = 0
        most = len(requests) * self.decoding.max_new_tokens
        task = progress.task(f"{self.step}", most, "tokens at most")
        for group in _groups(requests, tuned):
            batches = self._batches(loaded, group)
            with weights_in_place(loaded, tuned, {r.key.weights for r in group}) as slices:
                for batch in batches:
                    rows, fresh = self._batch(loaded, slices, batch, inputs, parts, task.advance)
                    drawn += fresh
                    for row in rows:
                        done[row.id] = row
                    # A row that ended early counts as all its tokens.
                    left = len(batch) * self.decoding.max_new_tokens - (
                        sum(min(r.tokens + 1, self.decoding.max_new_tokens) for r in rows)
                        if fresh
                        else 0
                    )
                    task.advance(left, f"{len(done)}/{len(requests)} answers")
        task.finish()
        ordered = [done[completion_id(self.spec.name, r)] for r in requests]
        store.write_jsonl(self.folder / COMPLETIONS, ordered)
        self._finish(ordered, inputs, config)
        shutil.rmtree(parts, ignore_errors=True)
        seconds = time.perf_counter() - start
        steps.log_timing(
            self.study.run_folder,
            f"{self.step} {self.spec.name}",
            seconds,
            tokens=drawn,
            tokens_per_second=round(drawn / seconds, 1),
            peak_memory_gb=round(peak_memory_gb(), 2),
        )
        progress.say(self._summary(ordered, drawn, seconds))

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
        slices: list[Any],
        batch: Sequence[Request],
        inputs: dict[str, str],
        parts: Path,
        advance: Callable[[float], None],
    ) -> tuple[list[Completion], int]:
        """Return a batch's completions and how many tokens were drawn for it just now."""
        from mores.sample.engine import TorchEngine

        name = store.digest(
            [
                [(r.key.name, r.prompt_id, r.draw, r.ids) for r in batch],
                msgspec.to_builtins(self.decoding),
                self.study.config.seed,
                inputs,
            ]
        ).removeprefix("sha256:")[:24]
        path = parts / f"{name}.jsonl"
        if path.exists():
            return store.read_jsonl(path, Completion), 0
        engine = TorchEngine(loaded, slices, on_tokens=advance)
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

    def _finish(
        self, rows: list[Completion], inputs: dict[str, str], config: dict[str, Any]
    ) -> None:
        manifest = Manifest(
            step=self.step,
            inputs=inputs,
            outputs={COMPLETIONS: store.digest_file(self.folder / COMPLETIONS)},
            config=config,
            seed=self.study.config.seed,
            versions=steps.versions(),
            facts={"completions": len(rows), "tokens": sum(r.tokens for r in rows)},
        )
        steps.write_manifest(self.folder, manifest)

    def _summary(self, rows: list[Completion], drawn: int, seconds: float) -> str:
        lines = [f"{self.step}: {len(rows)} completions, {drawn / seconds:.0f} tokens/s"]
        for key in self.keys:
            own = [r for r in rows if (r.arm, r.seed) == (key.arm, key.seed)]
            stopped = sum(r.finish_reason == "stop" for r in own)
            marked = sum(bool(r.flags) for r in own)
            lines.append(
                f"  {key.name:<22} {stopped}/{len(own)} stopped by themselves, "
                f"{marked} marked as empty, repetitive or broken"
            )
        return "\n".join(lines)


def answer_text(tokenizer: Any, ids: Sequence[int], stop: str) -> str:
    """Return the text of drawn tokens up to the stop text, without surrounding blanks."""
    # The stop text begins with a line break, so blanks go last: an answer may be nothing but it.
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return (text.split(stop, maxsplit=1)[0] if stop else text).strip()


def _groups(requests: list[Request], tuned: dict[str, Path]) -> Iterator[list[Request]]:
    """Rows that can share a batch: base and adapters together, each full tuning alone.

    What lies in the folders decides, not the recipe: it may have changed since.
    """
    from mores.tune.adapters import FULL_WEIGHTS

    full = [name for name, folder in tuned.items() if (folder / FULL_WEIGHTS).exists()]
    together = [r for r in requests if r.key.weights not in full]
    if together:
        yield together
    for name in full:
        own = [r for r in requests if r.key.weights == name]
        if own:
            yield own


@contextmanager
def weights_in_place(
    loaded: LoadedModel, tuned: dict[str, Path], names: set[str]
) -> Iterator[list[Any]]:
    """Put the weights of these arms in place: adapters side by side, or one full tuning."""
    from mores.sample.weights import adapted, swapped
    from mores.tune.adapters import FULL_WEIGHTS

    names = names - {"base"}
    full = [name for name in names if (tuned[name] / FULL_WEIGHTS).exists()]
    if full:
        with swapped(loaded, tuned[full[0]]):
            yield []
    else:
        with adapted(loaded, {name: tuned[name] for name in sorted(names)}) as slices:
            yield slices
