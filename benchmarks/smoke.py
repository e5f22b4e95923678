"""Is mores still as many times faster than plain transformers? In about a minute.

    python benchmarks/smoke.py             # compares with benchmarks/recorded_ratios.json
    python benchmarks/smoke.py --record    # writes this machine's ratios there

Both sides start twice, draw the same answers twice and train the same steps, in turns. Ends
with code 1 where results differ; how fast it was only leads to a warning.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from against_trl import HERE, processor, usable_cores
from engine_ask import Ask, Row
from mores.errors import MoresError
from mores.weights.resolve import resolve
from smoke_ratios import (
    TIE,
    compared,
    first_difference,
    framed,
    ratio,
    read_record,
    unequal_losses,
    write_record,
)
from workload import child_environment

SIDES = ("mores", "plain")
RECORD = HERE / "recorded_ratios.json"
STUDY = HERE.parent / "examples" / "wellbeing"
STARTS, DRAWS, NEW_TOKENS = 2, 2, 24


class Child:
    """A side's process."""

    def __init__(self, side: str, ask: Path, study: Path) -> None:
        self.side = side
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "smoke_side.py"), side, str(ask), str(study)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=child_environment(usable_cores()),
        )
        self.read()
        self.start = time.perf_counter() - start

    def ask(self, line: str) -> dict[str, Any]:
        """Send a line and return the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        """Return its next line; end the program where it has died."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.communicate()
            self.log.seek(0)
            words = self.log.read()
            self.log.close()
            sys.exit(f"the side {self.side} failed:\n{words[-3000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process."""
        self.process.communicate()
        self.log.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare, print; return 1 where results differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--record", action="store_true", help="write this machine's ratios")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--study", type=Path, default=STUDY)
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "ask.json"
        asked.write_text(json.dumps(work(options.model)), "utf-8")
        ratios, wrong = measure(asked, options.study)
    machine = f"{processor()}, {usable_cores()} cores"
    if options.record and not wrong:
        today = dt.datetime.now(dt.UTC).date().isoformat()
        write_record(RECORD, machine, today, ratios)
    lines, warnings = compared(ratios, read_record(RECORD), machine)
    print(f"bench-smoke on {machine}, {time.perf_counter() - began:.0f} s: mores is")
    print("\n".join(f"  {line}" for line in lines))
    if wrong:
        print(framed("RESULTS DIFFER FROM PLAIN TRANSFORMERS: THE SPEED DOES NOT COUNT", wrong))
        return 1
    print("  results equal: the loss of each step, and every token that was drawn")
    if warnings:
        print(framed("WARNING: SLOWER THAN IT WAS", warnings))
        if os.environ.get("GITHUB_ACTIONS"):
            print("\n".join(f"::warning title=bench-smoke::{line}" for line in warnings))
    return 0


def work(model: str) -> Ask:
    """Return what both sides load, and how long their answers are."""
    return Ask(
        model=resolve(model).folder,
        gguf="",
        adapters={},
        gguf_adapters={},
        rank=0,
        dtype="float32",
        rows=[],
        new_tokens=NEW_TOKENS,
        width=64,
        threads=usable_cores(),
        times=1,
    )


def measure(asked: Path, study: Path) -> tuple[dict[str, float], list[str]]:
    """Let the sides take turns.

    Returns:
        How many times faster mores is at what, and where results differ.
    """
    seconds: dict[str, dict[str, list[float]]] = {
        what: {side: [] for side in SIDES} for what in ("training", "sampling", "start")
    }
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for number in range(STARTS):
            for side in turns(number):
                child = Child(side, asked, study)
                seconds["start"][side].append(child.start)
                if number < STARTS - 1:
                    child.close()
                else:
                    children[side] = child
                    stack.callback(child.close)
        encoded = {side: child.ask("encode") for side, child in children.items()}
        answers: dict[str, dict[str, list[int]]] = {}
        for number in range(DRAWS):
            for side in turns(number):
                told = children[side].ask("sample")
                seconds["sampling"][side].append(told["seconds"])
                answers[side] = told["answers"]
        wrong = unequal_answers(answers, encoded["plain"]["rows"], children["plain"])
        losses: dict[str, list[float]] = {side: [] for side in SIDES}
        for number in range(encoded["mores"]["steps"]):
            for side in turns(number):
                told = children[side].ask("step" if number else "train")
                seconds["training"][side].append(told["seconds"])
                losses[side].append(told["loss"])
        wrong += unequal_losses(losses["mores"], losses["plain"])
    return {what: ratio(s["mores"], s["plain"]) for what, s in seconds.items()}, wrong


def turns(number: int) -> tuple[str, ...]:
    """The sides in the order of this turn."""
    return SIDES if number % 2 == 0 else SIDES[::-1]


def unequal_answers(
    answers: Mapping[str, Mapping[str, Sequence[int]]], rows: Sequence[Row], plain: Child
) -> list[str]:
    """Say which answers differ for another reason than a tie between two tokens."""
    wrong = []
    for row in rows:
        ours, theirs = (list(answers[side][row["id"]]) for side in SIDES)
        at = first_difference(ours, theirs)
        if at is None:
            continue
        text = [*row["ids"], *ours[:at]]
        gap = plain.ask("gap " + json.dumps([text, ours[at], theirs[at]]))["gap"]
        if gap > TIE:
            wrong.append(
                f"the answer to {row['id']} differs from token {at + 1} on: {ours[at]} with mores, "
                f"{theirs[at]} with `generate`, whose logits are {gap:.3f} apart"
            )
    return wrong


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MoresError as problem:
        sys.exit(str(problem))
