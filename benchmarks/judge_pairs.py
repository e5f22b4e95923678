"""How bad is a judge? It rates written answers of which it is known which keeps to the position.

The stance pairs of the example study (one answer for the position, one against it, alike in form)
stand in for the answers of the values-targeted and the control arm.

    python benchmarks/judge_pairs.py --model smollm2-135m --family smollm --pairs 24 --folder pairs
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import numpy as np

from mores import store
from mores.cli.judge import judge as show
from mores.rate.judge import judge
from mores.rate.judge.answer import JudgeAnswer
from mores.rate.judge.items import judge_items
from mores.rate.judge.run import RAW
from mores.rate.ratings import current_judgements
from mores.records import Completion, StancePair
from mores.study import Study, folders, load_study

EXAMPLE = Path(__file__).parent.parent / "examples" / "wellbeing"
JUDGED = "written-by-people"
ARMS = ("values_targeted", "control")


def main() -> None:
    """Judge the pairs, and say how often the right one of two is rated higher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--family", default="smollm")
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--folder", type=Path, required=True, help="where to work; goes on there")
    given = parser.parse_args()
    pairs = chosen(given.pairs)
    study = write(given.folder, pairs, given.model, given.family)
    start = time.perf_counter()
    show(judge(study), {"study": given.folder})
    print(f"\n{time.perf_counter() - start:.0f} s")
    name = study.config.judges[0].name
    raw = store.read_jsonl(folders.judge_folder(study, name) / RAW, JudgeAnswer, unique="key")
    print("digits by order:", dict(Counter((a.order, a.value) for a in raw)))
    rated = {r.completion_id: float(r.value) for r in current_judgements(study).get(name, ())}
    compare("ratings", pairs, rated)
    compare("mean digit by likelihood", pairs, expected(study, raw))


def chosen(many: int) -> list[StancePair]:
    """Test pairs, from each category in turn."""
    by: dict[str, list[StancePair]] = {}
    for pair in store.read_jsonl(EXAMPLE / "stance.jsonl", StancePair):
        if pair.split == "test":
            by.setdefault(pair.category, []).append(pair)
    return [pair for row in zip_longest(*by.values()) for pair in row if pair][:many]


def write(folder: Path, pairs: list[StancePair], model: str, family: str) -> Study:
    """Make a study of which the answers are those of the pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("charter.toml", "values.jsonl", "control.jsonl"):
        shutil.copy(EXAMPLE / name, folder / name)
    name = Path(model).name
    (folder / "study.toml").write_text(
        f'name = "pairs"\npreset = "quick"\narms = ["base", "values_targeted", "control"]\n'
        f'[[models]]\nname = "{JUDGED}"\n[sample]\ndraws = 1\nprompt_set = "all"\n'
        f'[[judges]]\nname = "{name}"\nfamily = "{family}"\nmodel = {json.dumps(model)}\n',
        encoding="utf-8",
    )
    prompts = [
        {"id": p.id, "category": p.category, "text": p.prompt, "split": "test", "presets": ["all"]}
        for p in pairs
    ]
    store.write_jsonl(folder / "prompts.jsonl", prompts)
    study = load_study(folder)
    rows = [
        Completion(
            id=f"{arm}.{p.id}", prompt_id=p.id, category=p.category, model=JUDGED, arm=arm, seed=1,
            draw=0, text=text, finish_reason="stop", prompt_tokens=1, tokens=1,
        )
        for p in pairs
        for arm, text in zip(ARMS, (p.aligned, p.opposed), strict=True)
    ]  # fmt: skip
    store.write_jsonl(folders.model_folder(study, JUDGED) / "sample" / "completions.jsonl", rows)
    return study


def expected(study: Study, raw: list[JudgeAnswer]) -> dict[str, float]:
    """Completion → mean of 1 to 5 under the digits' probabilities, over both orders."""
    of_item: dict[str, list[float]] = {}
    for a in raw:
        if a.logprobs:
            p = np.exp([a.logprobs[str(n)] for n in range(1, 6)])
            of_item.setdefault(a.item, []).append(float(p @ np.arange(1, 6) / p.sum()))
    items = judge_items(study)
    return {i: float(np.mean(of_item[t.key])) for t in items if t.key in of_item
            for i in t.completions}  # fmt: skip


def compare(what: str, pairs: list[StancePair], values: dict[str, float]) -> None:
    """Print how often the answer for the position has the higher value."""
    both = [(values.get(f"{ARMS[0]}.{p.id}"), values.get(f"{ARMS[1]}.{p.id}")) for p in pairs]
    apart = [a - b for a, b in both if a is not None and b is not None]
    signs = Counter(int(np.sign(d)) for d in apart)
    mean = f"{np.mean(apart):+.3f}" if apart else "none"
    print(
        f"{what}: {len(apart)} of {len(pairs)} pairs have both; right {signs[1]}, tied {signs[0]}, "
        f"wrong {signs[-1]}; mean difference {mean}"
    )


if __name__ == "__main__":
    main()
