"""A study of any size as the steps before measuring would have left it: for `scale.py`.

    python benchmarks/scale_study.py FOLDER 1000           a study of a thousand completions
    python benchmarks/scale_study.py FOLDER 1000 samples   a thousand samples, as many prompts
    python benchmarks/scale_study.py FOLDER 1000 stems     a thousand stems, eight texts each an arm
    python benchmarks/scale_study.py FOLDER 1000 pairs     a thousand stance pairs

The files are the example study's, with as many prompts as the completions need; the tuned arms,
completions, stems, stance and coherence items are written by the steps' own writers and sealed by
their own manifests, so that every later step takes them for current. Texts are sentences of common
words; nothing here was written by a model, and nothing that is measured on it means anything.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from mores import store
from mores.measure.coherence.item import CoherenceItem
from mores.measure.coherence.run import coherence_step
from mores.measure.stance.item import StanceItem
from mores.measure.stance.run import stance_step
from mores.measure.toxicity.perspective import KIND
from mores.measure.toxicity.raw import RawAnswer, text_digest
from mores.measure.toxicity.scorer import Item
from mores.records import Completion, Example, Prompt
from mores.sample.grid import COMPLETIONS
from mores.sample.run import prompt_grids, stem_grids
from mores.step import Made
from mores.study import ArmKey, Study, arm_keys, load_study
from mores.tune.run import tune_step, tuned_keys
from mores.tune.tuner import LOG

EXAMPLE = Path(__file__).parents[1] / "examples" / "wellbeing"
OWN = shutil.ignore_patterns("runs", "variants.jsonl", "rounds.jsonl")
"""What belongs to the example's own prompts and samples."""
ARMS = ("base", "values_targeted", "control", "prompted", "few_shot")
DRAWS = 4
CONTINUATIONS = 8
"""Texts of each stem and arm."""
SCORERS = 10
"""The lexical one, and nine whose answers are there already: ten scores a completion."""
FEW = 200
"""Completions of a study whose stems or pairs are counted."""
BASE = store.digest("the base model of a benchmark")
WORDS = [
    "the",
    "people",
    "who",
    "live",
    "here",
    "often",
    "find",
    "that",
    "small",
    "steps",
    "help",
    "a",
    "friend",
    "listens",
    "and",
    "says",
    "what",
    "is",
    "true",
    "we",
    "talk",
    "about",
    "how",
    "it",
    "feels",
    "to",
    "wait",
    "for",
    "a",
    "doctor",
    "in",
    "town",
    "because",
    "there",
    "is",
    "no",
    "single",
    "right",
    "answer",
    "to",
    "such",
    "a",
    "question",
    "you",
    "can",
    "ask",
    "for",
    "time",
    "and",
    "care",
    "when",
    "your",
    "day",
    "was",
    "long",
    "it",
    "is",
    "not",
    "their",
    "fault",
    "that",
    "the",
    "weather",
    "changed",
    "some",
    "would",
    "rather",
    "read",
    "a",
    "good",
    "book",
    "by",
    "the",
    "window",
    "others",
    "go",
    "for",
    "a",
    "walk",
    "with",
    "an",
    "old",
    "dog",
    "and",
    "think",
    "of",
    "nothing",
    "much",
    "at",
    "all",
    "this",
    "kind",
    "of",
    "thing",
    "happens",
    "to",
    "many",
    "of",
    "us",
    "and",
    "most",
    "days",
    "it",
    "passes",
    "stupid",
    "idiot",
    "damn",
    "lazy",
    "kind",
    "gentle",
    "brave",
    "quiet",
    "strong",
]


def sentences(draw: random.Random, words: int) -> str:
    """Return sentences of common words."""
    chosen = draw.choices(WORDS, k=words)
    cuts = [" ".join(chosen[i : i + 11]).capitalize() + "." for i in range(0, words, 11)]
    return " ".join(cuts)


def make(
    folder: Path, completions: int, *, words: int = 60, stems: int = 0, pairs: int = 0
) -> Study:
    """Write a study and all that comes before measuring.

    Args:
        folder: where it is to be; it must not exist.
        completions: how many, in steps of 5 arms x 4 draws.
        words: mean length of an answer.
        stems: how many, where not those of the example study.
        pairs: stance pairs, where not those of the example study.
    """
    shutil.copytree(EXAMPLE, folder, ignore=OWN)
    draw = random.Random(completions)
    if stems:
        _many_stems(folder, stems)
    if pairs:
        _many_pairs(folder, pairs)
    charter = load_study(folder).charter
    store.write_jsonl(
        folder / "prompts.jsonl",
        _prompts(draw, completions // (len(ARMS) * DRAWS), charter.categories),
    )
    names = ["lexical", *(f"replay:answers/{k}/raw.jsonl" for k in range(1, SCORERS))]
    settings = (folder / "study.toml").read_text()
    settings += f"""
[sample]
prompt_set = "scale"
draws = {DRAWS}

[toxicity]
scorers = {names!r}

[cooccurrence]
samples_per_stem = {CONTINUATIONS}

[rating]
arms = {list(ARMS)!r}
per_item = 3
seats = 30

[gates]
enabled = false
"""
    settings = settings.replace("seed = 2021\n", f"seed = 2021\narms = {list(ARMS)!r}\n")
    (folder / "study.toml").write_text(settings)
    study = load_study(folder)
    _tuned(study)
    _sampled(study, draw, words)
    _stems(study, draw)
    _answered(study, draw)
    _read(study, draw)
    return study


def _prompts(draw: random.Random, many: int, categories: tuple[str, ...]) -> Iterator[Prompt]:
    for k in range(many):
        text = sentences(draw, 9).rstrip(".") + f" number {k}?"
        category = categories[k % len(categories)]
        yield Prompt(
            id=f"s-{k:06d}", category=category, text=text, split="test", presets=("scale",)
        )


def _many_stems(folder: Path, many: int) -> None:
    """Two groups of as many stems, which say the same but for a number."""
    groups = "".join(
        f"[[topics.groups]]\nname = {name!r}\nstems = "
        f"{[f'The {name} person of house {k} was very' for k in range(many // 2)]!r}\n\n"
        for name in ("first", "second")
    )
    head = 'version = "1.0.0"\nsource = "made for a benchmark"\n\n[[topics]]\nname = "houses"\n\n'
    (folder / "associations.toml").write_text(head + groups)


def _many_pairs(folder: Path, many: int) -> None:
    """Pairs like the example's first ones, each with a number of its own."""
    known = [row for _, row in store.iter_rows(folder / "stance.jsonl")]
    rows = (
        known[k % len(known)]
        | {"id": f"p-{k:06d}", "split": "test"}
        | {f: f"{known[k % len(known)][f]} ({k})" for f in ("prompt", "aligned", "opposed")}
        for k in range(many)
    )
    store.write_jsonl(folder / "stance.jsonl", rows)


def _tuned(study: Study) -> None:
    (spec,) = study.config.models
    for key in tuned_keys(study):
        step = tune_step(study, spec, key, BASE)
        rows = [{"step": n, "epoch": 1, "loss": 3 / n} for n in range(1, 21)]
        store.write_jsonl(step.folder / LOG, rows)
        step.complete(Made([LOG], facts={"parameters": 135_000_000, "tokens": 10_000}))


def _completion(key: ArmKey, prompt: str, category: str, number: int, text: str) -> Completion:
    return Completion(
        id=f"smollm2-135m/{key.name}/{prompt}/{number}",
        prompt_id=prompt,
        category=category,
        model="smollm2-135m",
        arm=key.arm,
        seed=key.seed,
        draw=number,
        text=text,
        finish_reason="stop",
        prompt_tokens=20,
        tokens=len(text) // 5,
    )


def _sampled(study: Study, draw: random.Random, words: int) -> None:
    (grid,) = prompt_grids(study)
    step = grid.step(BASE)
    rows = (
        _completion(
            key, p.id, p.category, n, sentences(draw, draw.randint(words // 2, words * 3 // 2))
        )
        for p in study.chosen_prompts
        for key in grid.keys
        for n in range(DRAWS)
    )
    store.write_jsonl(step.folder / COMPLETIONS, rows)
    step.complete(Made([COMPLETIONS], facts={"engine": {"name": "none"}}))


def _stems(study: Study, draw: random.Random) -> None:
    (grid,) = stem_grids(study)
    step = grid.step(BASE)
    assert study.associations is not None
    rows = (
        _completion(key, f"{t.name}/{g.name}/{i}", t.name, n, sentences(draw, 22))
        for key in grid.keys
        for t in study.associations.topics
        for g in t.groups
        for i in range(len(g.stems))
        for n in range(CONTINUATIONS)
    )
    store.write_jsonl(step.folder / COMPLETIONS, rows)
    step.complete(Made([COMPLETIONS], facts={"engine": {"name": "none"}}))


def _answered(study: Study, draw: random.Random) -> None:
    """Answers of a service to every text, nine times with other numbers, for `replay:`."""
    (grid,) = prompt_grids(study)
    path = grid.step(BASE).folder / COMPLETIONS
    digests = [text_digest(Item(row["text"])) for _, row in store.iter_rows(path)]
    request = {"requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}
    for k in range(1, SCORERS):
        rows = (
            RawAnswer(
                text=digest,
                kind=KIND,
                request=request,
                status=200,
                response={
                    "attributeScores": {
                        "TOXICITY": {"summaryScore": {"value": round(draw.betavariate(1, 6), 6)}}
                    },
                    "languages": ["en"],
                },
            )
            for digest in digests
        )
        store.write_jsonl(study.folder / "answers" / str(k) / "raw.jsonl", rows)


def _read(study: Study, draw: random.Random) -> None:
    """Items of stance and coherence, which a model would have read."""
    (spec,) = study.config.models
    step = coherence_step(study, spec)
    (grid,) = prompt_grids(study)
    path = grid.step(BASE).folder / COMPLETIONS
    items = (
        CoherenceItem(
            completion_id=row["id"],
            mark="repetitive" if draw.random() < 0.03 else "",
            base_loss=draw.gauss(2.5, 0.4),
        )
        for _, row in store.iter_rows(path)
    )
    store.write_jsonl(step.folder / "items.jsonl", items)
    step.complete(Made(["items.jsonl"], facts={"marked": 0}))
    step = stance_step(study, spec, BASE)
    pairs = (
        StanceItem(
            pair_id=pair.id,
            category=pair.category,
            split=pair.split,
            model=spec.name,
            arm=key.arm,
            seed=key.seed,
            aligned=draw.gauss(-2.0, 0.3),
            opposed=draw.gauss(-2.1, 0.3),
        )
        for key in arm_keys(study.config.arms, study.config.train_seeds)
        for pair in study.pairs("test")
    )
    store.write_jsonl(step.folder / "items.jsonl", pairs)
    step.complete(Made(["items.jsonl"], facts={"pairs": len(study.pairs("test"))}))


def ratings(study: Study, path: Path, raters: int = 12, each: int = 3) -> None:
    """Write a table of ratings by people: ``each`` of every completion."""
    (grid,) = prompt_grids(study)
    draw = random.Random(5)
    names = [f"r{k:02d}" for k in range(raters)]
    with path.open("w", encoding="utf-8") as file:
        file.write("completion_id,rater,value\n")
        for _, row in store.iter_rows(grid.step(BASE).folder / COMPLETIONS):
            for who in draw.sample(names, each):
                file.write(f"{row['id']},{who},{draw.choice((1, 2, 3, 3, 4, 4, 5))}\n")


def samples(folder: Path, many: int) -> Study:
    """Write a study of ``many`` samples in all and as many prompts, for `mores check`.

    Words are made up, with frequencies after Zipf's law, so that texts share the common ones. One
    text in fifty is an earlier one with a word exchanged.
    """
    shutil.copytree(EXAMPLE, folder, ignore=OWN)
    draw = random.Random(many)
    names = [
        "".join(draw.choices("abcdefghijklmnoprstuvwy", k=draw.randint(3, 9)))
        for _ in range(20_000)
    ]
    ends = list(accumulate(1 / k for k in range(1, len(names) + 1)))
    earlier: dict[int, list[list[str]]] = {}

    def text(words: int) -> str:
        before = earlier.setdefault(words, [])
        if before and draw.random() < 0.02:
            chosen = list(draw.choice(before))
            chosen[draw.randrange(words)] = draw.choice(names)
        else:
            chosen = draw.choices(names, cum_weights=ends, k=words)
            before.append(chosen)
        return " ".join(chosen).capitalize()

    categories = load_study(folder).charter.categories
    for kind in ("values", "control"):
        rows = (
            Example(
                id=f"{kind[0]}-{k:06d}",
                category=categories[k % len(categories)],
                prompt=text(12) + "?",
                completion=text(60) + ".",
            )
            for k in range(many // 2)
        )
        store.write_jsonl(folder / f"{kind}.jsonl", rows)
    prompts = (
        Prompt(
            id=f"e-{k:06d}",
            category=categories[k % len(categories)],
            text=text(12) + "?",
            split="test",
        )
        for k in range(many)
    )
    store.write_jsonl(folder / "prompts.jsonl", prompts)
    return load_study(folder)


def main(arguments: Sequence[str]) -> None:
    """Make a study of completions, or of samples, stems or pairs."""
    folder, many = Path(arguments[0]), int(arguments[1])
    if "samples" in arguments:
        samples(folder, many)
    elif "stems" in arguments:
        make(folder, FEW, stems=many)
    elif "pairs" in arguments:
        make(folder, FEW, pairs=many)
    else:
        made = make(folder, many)
        ratings(made, made.folder / "ratings.csv")
    print(many)


if __name__ == "__main__":
    main(sys.argv[1:])
