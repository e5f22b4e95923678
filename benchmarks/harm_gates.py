"""Do the gates of narrow tuning's harms catch bad tunes, and let a harmless one pass?

Tunes SmolLM2-135M on each set of `tests/measure/gates/harms` under several training seeds, puts the
forced choices of the harms to it, and counts verdicts. Each tune is kept in the working folder, so
that more seeds can be added later. Base is asked once.

    python benchmarks/harm_gates.py --seeds 1 2 3            # prints
    python benchmarks/harm_gates.py --seeds 1 2 3 --write    # and puts it into docs/gates.md
    python benchmarks/harm_gates.py --tunes plain --items 0  # all questions

With ``--read`` nothing is tuned: the table is made of what the working folder holds.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mores import store
from mores.measure.gates.choose import ChoiceScore
from mores.measure.gates.context import Context
from mores.measure.gates.harm_sets import harm_choices
from mores.measure.gates.harms import harms
from mores.measure.gates.likelihood import choice_logprobs
from mores.measure.gates.prompts import Choice
from mores.measure.gates.result import GateResult
from mores.records import Record
from mores.sample.weights import arm_in_place
from mores.stats import clopper_pearson
from mores.study import ArmKey, load_study
from mores.tune import tune
from mores.tune.run import tuned_folders
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.resolve import resolve

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "tests" / "measure" / "gates" / "harms"
PAGE = ROOT / "docs" / "gates.md"
TUNES = {
    "agrees": ("sycophancy stated", "sycophancy pressed"),
    "cautious": ("over-caution choices",),
    "nasty": ("emergent-misalignment plain", "emergent-misalignment like-samples"),
    "opposite": ("values-left-alone",),
    "plain": (),
}
"""Each tune, and the results that should fail; ``plain`` is the harmless one."""
BASE: dict[tuple[str, str, str], tuple[float, float]] = {}


class Tuned(Record, frozen=True, kw_only=True):
    """One tune under one seed, and what the gates said of it."""

    tune: str
    seed: int
    items: int
    dtype: str
    results: tuple[GateResult, ...]


def measured(name: str, seed: int, items: int, dtype: str, work: Path) -> Tuned:
    """Tune and judge, or read what was found before."""
    path = work / f"{name}-{seed}-{items}-{dtype}.json"
    if not path.exists():
        folder = work / f"{name}-{seed}"
        if not folder.exists():
            shutil.copytree(STUDY, folder)
            shutil.copy(STUDY / f"{name}.jsonl", folder / "values.jsonl")
        study = load_study(folder, overrides=(f"train_seeds=[{seed}]", f"gates.items={items}"))
        tune(study)
        context = Context(study, study.config.models[0])
        resolved = resolve(context.spec.name)
        loaded = load(resolved, dtype=dtype)
        tuned = tuned_folders(study, context.spec, print)
        asked = harm_choices(study)
        scores = _of_base(context, loaded, asked)
        key = ArmKey("values_targeted", seed)
        with arm_in_place(loaded, tuned, key.weights):
            scores += _scores(context, loaded, asked, key)
        found = tuple(harms(context, scores))
        store.write_json(path, Tuned(tune=name, seed=seed, items=items, dtype=dtype, results=found))
    return store.as_record(store.read_json(path), Tuned, path=path)


def _scores(
    context: Context, loaded: LoadedModel, asked: Sequence[Choice], key: ArmKey
) -> list[ChoiceScore]:
    return [
        ChoiceScore(id=name, arm=key.arm, seed=key.seed, kept=kept, other=other)
        for name, kept, other in choice_logprobs(loaded, context.spec.format, asked)
    ]


def _of_base(context: Context, loaded: LoadedModel, asked: Sequence[Choice]) -> list[ChoiceScore]:
    """Only the questions in the form of the samples differ from tune to tune."""
    new = [c for c in asked if _text(c) not in BASE]
    for choice, score in zip(new, _scores(context, loaded, new, ArmKey("base", 0)), strict=True):
        BASE[_text(choice)] = score.kept, score.other
    return [
        ChoiceScore(id=c.id, arm="base", seed=0, kept=BASE[_text(c)][0], other=BASE[_text(c)][1])
        for c in asked
    ]


def _text(choice: Choice) -> tuple[str, str, str]:
    return choice.text, choice.kept, choice.other


def name_of(result: GateResult) -> str:
    """Gate and part."""
    return f"{result.name} {result.part}".strip()


def tables(rows: Sequence[Tuned]) -> str:
    """What docs/gates.md shows: verdicts of each tune at each gate, and both kinds of error."""
    names = list(dict.fromkeys(name_of(r) for row in rows for r in row.results))
    tunes = [t for t in TUNES if any(row.tune == t for row in rows)]
    lines = [f"| gate | {' | '.join(f'`{t}`' for t in tunes)} |", "|---|" + "---|" * len(tunes)]
    for name in names:
        cells = [_cell([r for r in _of(rows, t) if name_of(r) == name], t, name) for t in tunes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    bad = [row for row in rows if row.tune != "plain"]
    harmless = [row for row in rows if row.tune == "plain"]
    lines += ["", "| tunes (one for each seed) | 95 % interval |", "|---|---|"]
    passed = sum("pass" in _taught(row) for row in bad)
    caught = sum("fail" in _taught(row) for row in bad)
    alarms = sum(any(r.verdict == "fail" for r in row.results) for row in harmless)
    lines.append(f"| bad, and a result for what they teach passed: {_counted(passed, len(bad))} |")
    lines.append(f"| bad, and a result for what they teach failed: {_counted(caught, len(bad))} |")
    lines.append(f"| harmless, and any result failed: {_counted(alarms, len(harmless))} |")
    verdicts = Counter(r.verdict for row in harmless for r in row.results)
    said = ", ".join(f"{many} {verdict}" for verdict, many in verdicts.most_common())
    return "\n".join([*lines, "", f"All results of the harmless tunes: {said or 'none'}."]) + "\n"


def _taught(row: Tuned) -> list[str]:
    """Verdicts on what a tune teaches."""
    return [r.verdict for r in row.results if name_of(r) in TUNES[row.tune]]


def _of(rows: Iterable[Tuned], name: str) -> Iterable[GateResult]:
    return [r for row in rows if row.tune == name for r in row.results]


def _cell(results: Sequence[GateResult], name: str, gate: str) -> str:
    """Verdicts, how often, and the range of harms; what should fail in bold."""
    counts = Counter(r.verdict for r in results)
    said = ", ".join(f"{verdict} {many}" for verdict, many in counts.most_common())
    values = [r.estimate.value for r in results if r.estimate.value is not None]
    ends = [f"{100 * x:+.0f}" for x in (min(values), max(values))] if values else ["none"]
    span = " to ".join(dict.fromkeys(ends))
    said = f"**{said}**" if gate in TUNES[name] else said
    return f"{said} ({span})"


def _counted(many: int, of: int) -> str:
    ends = clopper_pearson(many, of)
    if ends.low is None or ends.high is None:
        return "none | none"
    return f"{many} of {of} | {ends.low:.0%} to {ends.high:.0%}"


def write(text: str) -> None:
    """Put the tables between their marks in docs/gates.md."""
    page = PAGE.read_text("utf-8")
    marks = r"(<!-- harms: begin -->\n\n).*?(<!-- harms: end -->)"
    new, found = re.subn(marks, lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.DOTALL)
    assert found == 1, "docs/gates.md has no marks for the table"
    PAGE.write_text(new, "utf-8")


def main() -> None:
    """Tune, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--tunes", nargs="+", choices=list(TUNES), default=list(TUNES))
    parser.add_argument("--items", type=int, default=64, help="of each set; 0 takes all")
    parser.add_argument("--dtype", default="float32", help="of scoring; bfloat16 is faster")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "results" / "harms")
    parser.add_argument("--read", action="store_true", help="tune nothing")
    parser.add_argument("--write", action="store_true", help="into docs/gates.md")
    told = parser.parse_args()
    told.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in told.seeds:
        for name in told.tunes:
            path = told.work / f"{name}-{seed}-{told.items}-{told.dtype}.json"
            if told.read and not path.exists():
                continue
            rows.append(measured(name, seed, told.items, told.dtype, told.work))
            said = [f"{name_of(r)}: {r.verdict} {r.estimate.value:+.3f}" for r in rows[-1].results
                    if r.estimate.value is not None]  # fmt: skip
            print(f"{name}, seed {seed}: {'; '.join(said)}", flush=True)
    text = tables(rows)
    print(text)
    if told.write:
        write(text)


if __name__ == "__main__":
    main()
