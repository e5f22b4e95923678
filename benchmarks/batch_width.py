"""The share of answers whose text changes when other rows are decoded beside them.

    python benchmarks/batch_width.py [rows] [other rows]

Random numbers do not depend on the batch, but the last bits of a matrix product do, and now and
then they decide a draw. Prints a sentence for docs/sampling.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from mores.study.arms import ArmKey
from mores.weights.load import load
from mores.weights.machine import set_threads
from mores.weights.resolve import resolve
from mores_side import draw
from workload import Workload

SEED = 2021


def changed(first: Mapping[str, str], second: Mapping[str, str]) -> int:
    """Number of prompts whose texts differ.

    Raises:
        ValueError: the two do not hold the same prompts.
    """
    if first.keys() != second.keys():
        raise ValueError("texts of different prompts cannot be compared")
    return sum(first[key] != second[key] for key in first)


def main() -> None:
    """Draw the base model's answers at two widths and compare."""
    widths = [int(a) for a in sys.argv[1:3]] or [40, 17]
    if len(widths) != 2:
        sys.exit("give two numbers of rows, or none")
    set_threads()
    resolved = resolve("smollm2-135m")
    loaded = load(resolved)
    study = Path(__file__).resolve().parent.parent / "examples" / "wellbeing"
    work = Workload(model_folder=resolved.folder, study=str(study))
    texts = []
    for width in widths:
        rows = draw(loaded, work, [ArmKey("base", 0)], SEED, batch_rows=width)
        texts.append({str(row["prompt_id"]): str(row["text"]) for row in rows})
    count = changed(*texts)
    print(
        f"Drawn {widths[0]} and then {widths[1]} rows side by side, {count} of {len(texts[0])} "
        f"answers of at most {work.max_new_tokens} tokens differ ({count / len(texts[0]):.1%}; "
        f"{loaded.name}, base arm, temperature {work.temperature:g}, {work.dtype})."
    )


if __name__ == "__main__":
    main()
