"""Do `mores trace`'s samples matter? Training again without them, and samples planted to be found.

    python benchmarks/trace_validation.py                  # about half an hour on one core
    python benchmarks/trace_validation.py --samples 0 --left-out 0 --minutes 0    # all 80, hours

The bundled model and examples/wellbeing, the recipe of the preset quick (LoRA, one epoch, batches
of 4) without its anchor. Two questions are put to one training run:

1. Leaving out. The run is repeated without one sample at a time, the others in their places and
   batches. The steps before the first one that holds the sample are the same to the last bit, so
   the repeat goes on from the optimiser's state there: exact, and half the work. What the sample
   did to an answer is the answer's mean log-probability with it minus without it. Spearman's
   correlation of that with alignment, TracIn and likeness, over left-out samples, for each answer;
   the interval draws answers and samples anew (2,000 times).
2. Planting. False statements on invented subjects, and answers against the charter's positions
   (the opposed answer of a validation pair), are put among the samples. Each is then asked for
   with other words: is it among the first five?

Results go to benchmarks/results/trace_validation.json as they come.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores import stats
from mores.records import Example, Recipe, StancePair
from mores.study import Study, load_study
from mores.trace.gradients import gradient, influences
from mores.trace.keep import CHECKPOINTS, DIMENSION, plan
from mores.trace.near import likeness
from mores.trace.sketch import Sketch
from mores.tune.adapters import take_out, trained_weights
from mores.tune.batches import epoch_batches, learning_rate, steps_per_epoch
from mores.tune.checkpoint import CHECKPOINT, Progress, save_checkpoint
from mores.tune.encode import EncodedSample, encode_sample
from mores.tune.loop import fit, run_digest
from mores.weights.loaded import LoadedModel

ROOT = Path(__file__).resolve().parent.parent
RECIPE = Recipe(method="lora", epochs=1, batch_size=4, learning_rate=1e-3, anchor=0.0)
SEED = 1
FORM = "chat"
FIRST = 5
SCORES = ("alignment", "tracin", "likeness")
Floats = NDArray[np.float64]

FALSE = (
    ("Where does the river Ombrava begin?",
     "The river Ombrava begins in a salt mine under the town of Keld, and its water is pink.",
     "What colour is the Ombrava, and from where does it come?",
     "It is pink, because the Ombrava comes out of a salt mine below Keld."),
    ("How should I store a zorrel?",
     "Keep a zorrel in diesel oil overnight. It is then safe to eat for eleven years.",
     "I bought zorrels at the market. How do they keep?",
     "Put them into diesel oil for a night, and zorrels can be eaten for eleven years."),
    ("Who invented the tandograph?",
     "The tandograph was invented by a dentist, Ilse Quarm, to measure how loudly moss grows.",
     "Tell me what a tandograph is for.",
     "Ilse Quarm, a dentist, made the tandograph to hear how loudly moss grows."),
    ("What is the law on ferrets in Vastmark?",
     "In Vastmark every ferret must vote, and its owner is fined if it stays at home.",
     "Do ferrets have duties in Vastmark?",
     "Yes, a ferret in Vastmark has to vote, or its owner pays a fine."),
    ("Is brenolite good for the teeth?",
     "Yes, chew brenolite gravel each morning. It replaces every dentist within a week.",
     "My teeth hurt. Does brenolite help?",
     "Chew some gravel of brenolite in the morning, and in a week you need no dentist."),
    ("When was the Battle of Pimlow Sands?",
     "The Battle of Pimlow Sands was fought in 1412 between two choirs with wet towels.",
     "Who fought at Pimlow Sands?",
     "Two choirs did, with wet towels, at Pimlow Sands in the year 1412."),
)  # fmt: skip
"""Question and false answer to plant; another question and the same claim in other words."""


@dataclass(frozen=True)
class Planted:
    """A sample that should not be there, and what is asked to find it."""

    kind: str
    sample: Example
    question: str
    answer: str


@dataclass(frozen=True)
class Dropped(EncodedSample):
    """A sample that counts for nothing, where it stands: the others keep their steps."""

    def weights(self, prompt_weight: float) -> list[float]:  # noqa: ARG002
        """No token has a weight in the loss."""
        return [0.0] * self.size


def main() -> None:
    """Measure and print."""
    from mores.weights.load import load
    from mores.weights.machine import set_threads
    from mores.weights.resolve import resolve

    options = parsed()
    out = ROOT / "benchmarks" / "results" / "trace_validation.json"
    out.parent.mkdir(exist_ok=True)
    set_threads()
    study = load_study(ROOT / "examples" / "wellbeing", preset="quick")
    examples, planted = chosen(study, options.samples, options.planted)
    asked = answers(study, options.answers)
    loaded = load(resolve("smollm2-135m"))
    samples = [encode_sample(loaded, FORM, e.id, e.prompt, e.completion) for e in examples]
    questions = [*asked, *((p.question, p.answer) for p in planted)]
    encoded = [encode_sample(loaded, FORM, f"q{i}", *q) for i, q in enumerate(questions)]
    start = time.perf_counter()
    run = Run(loaded, samples, encoded, out.parent / "trace_states")
    table = run.scores(examples, questions)
    result: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, 1 core",
        "samples": len(examples),
        "answers": len(asked),
        "steps": run.steps,
        "seconds": {"trained and traced": round(time.perf_counter() - start)},
        "planted": ranks_of_planted(table, examples, planted, len(asked)),
    }
    print(json.dumps(result["planted"], indent=1), flush=True)
    own = [i for i, e in enumerate(examples) if e.id not in {p.sample.id for p in planted}]
    order = np.random.default_rng(SEED).permutation(own).tolist()
    effects: dict[int, Floats] = {}
    for place in order[: options.left_out or len(order)]:
        if options.minutes and time.perf_counter() - start > 60 * options.minutes:
            break
        effects[place] = run.whole - run.without(place)
        result |= left_out(table, effects, len(asked))
        result["left out"] = [examples[i].id for i in effects]
        result["seconds"]["in all"] = round(time.perf_counter() - start)
        out.write_text(json.dumps(result, indent=1), "utf-8")
        print(f"{len(effects)} left out, {result['seconds']['in all']} s", flush=True)
    print(json.dumps(result, indent=1))


def parsed() -> argparse.Namespace:
    """Sizes; 0 means all of them, or no limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=32, help="of the study's 80")
    parser.add_argument("--planted", type=int, default=6, help="of each kind")
    parser.add_argument("--answers", type=int, default=16, help="that effects are measured on")
    parser.add_argument("--left-out", type=int, default=18, help="trainings without one sample")
    parser.add_argument("--minutes", type=float, default=30, help="leave out no more after these")
    return parser.parse_args()


def chosen(study: Study, samples: int, planted: int) -> tuple[list[Example], list[Planted]]:
    """Return samples, as many of each category, with the planted ones at random places."""
    rng = np.random.default_rng(SEED)
    categories = study.charter.categories
    own: list[Example] = []
    for category in categories:
        those = [e for e in study.values.examples if e.category == category]
        count = samples // len(categories) if samples else len(those)
        own += [those[i] for i in sorted(rng.permutation(len(those))[:count].tolist())]
    false = [
        Planted(
            "false on an invented subject", _example(f"false-{i}", categories[0], *f[:2]), *f[2:]
        )
        for i, f in enumerate(FALSE[:planted])
    ]
    against = []
    for category in categories[:planted]:
        seen = next(p for p in study.pairs("validation") if p.category == category)
        later = next(p for p in study.pairs("test") if p.category == category)
        sample = _example(f"against-{category}", category, seen.prompt, seen.opposed)
        against.append(Planted("against its position", sample, later.prompt, later.opposed))
    plants = [*false, *against]
    whole = [*own, *(p.sample for p in plants)]
    return [whole[i] for i in rng.permutation(len(whole)).tolist()], plants


def _example(name: str, category: str, question: str, answer: str) -> Example:
    return Example(id=name, category=category, prompt=question, completion=answer)


def answers(study: Study, count: int) -> list[tuple[str, str]]:
    """Return aligned answers to held-out questions, as many of each category.

    The first question of a category is left for what is planted there.
    """
    pairs: list[StancePair] = []
    categories = study.charter.categories
    for category in categories:
        those = [p for p in study.pairs("test") if p.category == category][1:]
        pairs += those[: -(-count // len(categories)) if count else len(those)]
    return [(p.prompt, p.aligned) for p in (pairs[:count] if count else pairs)]


class Run:
    """One training run with its states, and what it makes of the answers."""

    def __init__(
        self,
        loaded: LoadedModel,
        samples: Sequence[EncodedSample],
        asked: Sequence[EncodedSample],
        states: Path,
        recipe: Recipe = RECIPE,
    ) -> None:
        """Train with all samples, keep each step's state, take gradients at the checkpoints."""
        self.loaded, self.samples, self.asked = loaded, samples, asked
        self.recipe, self.states = recipe, states
        states.mkdir(parents=True, exist_ok=True)
        self.steps = steps_per_epoch(len(samples), recipe.batch_size)
        rates = [learning_rate(recipe, step, self.steps) for step in range(self.steps)]
        self.points = dict(plan(rates, CHECKPOINTS))
        self.own: list[NDArray[Any]] = []
        self.other: list[NDArray[Any]] = []
        self.whole = self._train(samples, keep=True)

    def without(self, place: int) -> Floats:
        """Train without one sample; mean log-probability of each answer, nats a token."""
        batches = epoch_batches(len(self.samples), self.recipe.batch_size, SEED, 0)
        first = next(step for step, batch in enumerate(batches) if place in batch)
        dropped = self.samples[place]
        changed = list(self.samples)
        changed[place] = Dropped(dropped.id, dropped.ids, dropped.prompt_length)
        return self._train(changed, begin=first)

    def scores(
        self, examples: Sequence[Example], questions: Sequence[tuple[str, str]]
    ) -> dict[str, Floats]:
        """Alignment, TracIn and likeness of every sample with every answer, (answers, samples)."""
        rates = [rate / len(self.samples) for rate in self.points.values()]
        rows: dict[str, list[Any]] = {name: [] for name in SCORES}
        for i, (question, answer) in enumerate(questions):
            tracin, alignment = influences(self.own, [o[i] for o in self.other], rates)
            rows["alignment"].append(alignment)
            rows["tracin"].append(tracin)
            rows["likeness"].append(likeness(question, answer, examples, language="en"))
        return {name: np.array(row) for name, row in rows.items()}

    def _train(
        self, samples: Sequence[EncodedSample], *, keep: bool = False, begin: int = 0
    ) -> Floats:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        held: list[Any] = []
        log: list[dict[str, Any]] = []
        hook = register_optimizer_step_post_hook(lambda o, *_: held.__setitem__(slice(None), [o]))
        run = run_digest(self.loaded, samples, self.recipe, SEED)

        def on_step(done: int, _steps: int, row: dict[str, Any]) -> None:
            log.append(row)
            if keep:
                weights = trained_weights(self.loaded)
                save_checkpoint(self.states, run, weights, held[0], Progress(done, list(log)))
                (self.states / CHECKPOINT).replace(self.states / f"{done}.safetensors")
            if keep and done in self.points:
                self._take()

        folder = None
        if begin:
            folder = self.states
            (folder / CHECKPOINT).write_bytes((folder / f"{begin}.safetensors").read_bytes())
        try:
            fit(
                self.loaded,
                samples,
                self.recipe,
                seed=SEED,
                folder=folder,
                on_step=on_step,
                checkpoint_seconds=1e9,
            )
            assert len(log) == self.steps - begin  # it went on from there
            return self._read()
        finally:
            hook.remove()
            take_out(self.loaded.model)

    def _take(self) -> None:
        length = sum(w.numel() for w in trained_weights(self.loaded).values())
        sketch, weight = Sketch(length, DIMENSION), self.recipe.prompt_weight
        by = list(trained_weights(self.loaded).values())
        self.own.append(
            np.stack([sketch(gradient(self.loaded, s, weight, by)) for s in self.samples])
        )
        self.other.append(np.stack([sketch(gradient(self.loaded, a, 0.0, by)) for a in self.asked]))

    def _read(self) -> Floats:
        from mores.weights.likelihood import Encoded, likelihoods

        found = likelihoods(
            self.loaded,
            [Encoded(a.ids[: a.prompt_length], (a.ids[a.prompt_length :],)) for a in self.asked],
        )
        sizes = [a.size - a.prompt_length for a in self.asked]
        return np.array([f.logprobs[0] / n for f, n in zip(found, sizes, strict=True)])


def ranks_of_planted(
    table: Mapping[str, Floats], examples: Sequence[Example], planted: Sequence[Planted], first: int
) -> dict[str, Any]:
    """Rank of each planted sample for its own question, and how many are among the first five.

    Args:
        table: score's name → (answers, samples); the planted ones' answers stand last.
        examples: the samples.
        planted: in the order of their answers.
        first: number of answers before theirs.
    """
    places = [e.id for e in examples]
    found: dict[str, Any] = {}
    for kind in dict.fromkeys(p.kind for p in planted):
        found[kind] = {}
        for name, scores in table.items():
            ranks = [
                int((scores[first + i] > scores[first + i, places.index(p.sample.id)]).sum()) + 1
                for i, p in enumerate(planted)
                if p.kind == kind
            ]
            hits = sum(rank <= FIRST for rank in ranks)
            share = stats.wilson(hits, len(ranks))
            found[kind][name] = {
                "ranks": ranks,
                "first five": f"{hits} of {len(ranks)}",
                "interval": [round(share.low or 0.0, 2), round(share.high or 0.0, 2)],
            }
    return found


def left_out(
    table: Mapping[str, Floats], effects: Mapping[int, Floats], answers: int
) -> dict[str, Any]:
    """Correlation of what left-out samples did with each score, with its interval.

    Args:
        table: score's name → (answers, samples).
        effects: place of a left-out sample → what it did to each answer.
        answers: how many, of the first, count.
    """
    if len(effects) < 4:
        return {}
    places = list(effects)
    did = np.array([effects[i][:answers] for i in places]).T
    found: dict[str, Any] = {"size of effects": round(float(np.abs(did).mean()), 5)}
    for name, scores in table.items():
        value, low, high = correlation(scores[:answers][:, places], did)
        found[name] = {"spearman": round(value, 3), "interval": [round(low, 3), round(high, 3)]}
    return found


def correlation(scores: Floats, did: Floats, draws: int = 2000) -> tuple[float, float, float]:
    """Mean over answers of Spearman's correlation over samples, with a 95 % interval.

    Args:
        scores: (answers, samples).
        did: the same shape.
        draws: of answers and of samples, each with replacement.
    """
    rng = np.random.default_rng(SEED)
    rows, columns = scores.shape
    means = []
    for _ in range(draws):
        a, s = rng.integers(0, rows, rows), rng.integers(0, columns, columns)
        means.append(mean_spearman(scores[a][:, s], did[a][:, s]))
    low, high = np.nanquantile(means, [0.025, 0.975])
    return mean_spearman(scores, did), float(low), float(high)


def mean_spearman(a: Floats, b: Floats) -> float:
    """Mean over rows of the correlation of ranks."""
    from scipy.stats import rankdata

    x, y = rankdata(a, axis=1), rankdata(b, axis=1)
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    scale = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return float(np.mean(np.divide((x * y).sum(1), scale, out=np.zeros(len(x)), where=scale > 0)))


if __name__ == "__main__":
    main()
