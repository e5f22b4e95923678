"""A whole study with random weights on a GPU: mores, TRL + `generate`, and vLLM where it is.

    benchmarks/gpu.sh            # 1b and 8b, under 8 minutes in all
    benchmarks/gpu.sh --tiny     # the same path on a CPU, with a model of two layers: no figure

80 samples × 2 arms are tuned, five arms × 40 prompts × 3 draws sampled. Each step is a process
with a limit of its own, and none begins that the limit of the whole would cut; the table is written
anew after each, so that what was measured is kept.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from against_engines import installed, run
from against_trl import HERE, LIBRARIES, PROGRAMS, version
from engine_ask import Ask
from engine_tables import agreement, run_of
from gpu_tables import Step, summary, table
from mores.errors import ModelError, MoresError
from speed_tables import TOLERANCE, losses_agree
from watched import Seen, watched
from workload import ARMS, SIDES, Job, Measurement, Side, Workload, child_environment

WHOLE = 470.0
"""Seconds for everything: under 8 minutes."""
LEAST = 15.0
"""A step that has less time left does not begin."""
STEPS = len(ARMS) + 1
LIMITS = {"prepare": 100.0, "train": 75.0, "sample": 100.0, "vllm": 120.0, "loss": 60.0}
"""Most seconds of a step."""


class TimeIsOverError(Exception):
    """No time is left for another step."""


class Study:
    """One call of the program: what was measured so far, and the time that is left."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.over = time.monotonic() + WHOLE
        self.steps: list[Step] = []
        self.said: list[str] = []
        self.device = ""
        self.agree = True

    def limit(self, step: str) -> float:
        """Seconds that a step may take.

        Raises:
            TimeIsOverError: too few are left.
        """
        left = self.over - time.monotonic()
        if left < LEAST:
            raise TimeIsOverError
        return min(LIMITS[step], left)

    def program(self, step: str, name: str, *arguments: str) -> Seen:
        """Run a program beside this one.

        Raises:
            ModelError: it failed or took too long.
        """
        command = [sys.executable, str(HERE / name), *arguments]
        seen = watched(command, seconds=self.limit(step), environment=child_environment(8))
        if seen.error:
            raise ModelError(seen.error, where=name, fix="run it by itself to see why")
        return seen

    def keep(self, step: Step) -> None:
        """Add a step, print it, and write the table anew."""
        self.steps.append(step)
        print(table([step]).splitlines()[-1], flush=True)
        self.write()

    def write(self) -> None:
        """Write what there is."""
        self.options.out.mkdir(parents=True, exist_ok=True)
        (self.options.out / "gpu.md").write_text(self.text() + "\n", "utf-8")
        found = {"device": self.device, "steps": msgspec.to_builtins(self.steps), "said": self.said}
        (self.options.out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")

    def text(self) -> str:
        """The page: machine, table, totals, and what was said."""
        sizes = list(dict.fromkeys(step.size for step in self.steps))
        totals = [line for size in sizes for line in summary(self.steps, size, STEPS)]
        versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES[:4])
        options = self.options
        how = (
            f"Random weights; {options.samples} samples × {len(ARMS)} arms, one epoch of LoRA in "
            f"batches of 4; five arms × {options.prompts} prompts × {options.draws} draws of "
            f"{options.new_tokens} tokens, greedily. Cold: a step with the start of its process. "
            "Warm: the step alone, after one pass (training) or the second time (sampling). "
            "vLLM reserves most of the GPU's memory whatever it needs."
        )
        parts = [
            f"{dt.datetime.now(dt.UTC):%d %b %Y}, {self.device or 'no device yet'}; {versions}.",
            how,
            table(self.steps),
            "\n".join([*totals, *self.said]),
        ]
        if self.options.tiny:
            parts.insert(0, "**A test of the path, on the CPU: no figure exists for a GPU.**")
        return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size; return 1 where the losses of the sides differ."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        study = Study(options, Path(folder))
        try:
            for size in options.sizes:
                measure_size(study, size)
        except TimeIsOverError:
            study.said.append("- The time was over: what is missing above was not measured.")
        study.write()
    print(f"\n{study.text()}\n\nwritten: {options.out}/gpu.md and gpu.json")
    return 0 if study.agree else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("sizes", nargs="*", default=["1b", "8b"], help="1b, 3b or 8b")
    parser.add_argument("--tiny", action="store_true", help="try the path without a GPU")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--prompts", type=int)
    parser.add_argument("--draws", type=int)
    parser.add_argument("--new-tokens", type=int)
    parser.add_argument("--width", type=int, default=120, help="rows a batch of `generate`")
    parser.add_argument("--study", type=Path, default=HERE.parent / "examples" / "wellbeing")
    parser.add_argument(
        "--tokenizer", type=Path, help="a tokenizer's folder, where no bundled model can be fetched"
    )
    parser.add_argument("--work", type=Path, help="folder for the weights, best in memory")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    small = {"samples": 4, "prompts": 2, "draws": 1, "new_tokens": 4}
    large = {"samples": 80, "prompts": 40, "draws": 3, "new_tokens": 64}
    for name, value in (small if options.tiny else large).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.tiny:
        options.sizes = ["tiny"]
    return options


def measure_size(study: Study, size: str) -> None:
    """Take all steps with a model of one size."""
    options = study.options
    folder = study.folder / size
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = [str(options.tokenizer)] if options.tokenizer else []
    prepared = study.program("prepare", "prepare_model.py", size, str(folder / "model"), *tokenizer)
    facts = json.loads(prepared.output)
    study.device = facts["device"]
    print(f"{size}: {facts['parameters'] / 1e9:.2f} billion weights on {study.device}", flush=True)
    work = Workload(
        model_folder=facts["folder"],
        study=str(options.study),
        samples=options.samples,
        held_out=0,
        prompts=options.prompts,
        dtype="float32" if options.tiny else "bfloat16",
    )
    for arm in ARMS:
        train(study, size, "mores", arm, work)
    ask = asked(study, size, work)
    answers = sample(study, size, "mores", Path(sys.executable), ask, None)
    if version("trl"):
        for arm in ARMS:
            train(study, size, "trl", arm, work)
        compare_losses(study, size, work)
    else:
        study.said.append("- TRL was not installed: no figure. pip install -e '.[bench]'")
    sample(study, size, "generate", Path(sys.executable), ask, answers)
    pythons, absent = installed()
    if "vllm" in pythons and not options.tiny:
        sample(study, size, "vllm", pythons["vllm"], ask, answers)
    study.said += [line for line in absent if "vLLM" in line and line not in study.said]


def train(study: Study, size: str, side: Side, arm: str, work: Workload) -> None:
    """Tune one arm in a process of its own."""
    folder = study.folder / size
    asked_file, told = folder / "job.json", folder / "measurement.json"
    job = Job(side=side, stage="train", arm=arm, seed=1, folder=str(folder / side), workload=work)
    Path(job.folder).mkdir(exist_ok=True)
    asked_file.write_bytes(msgspec.json.encode(job))
    name = f"train {arm}"
    try:
        seen = study.program("train", PROGRAMS[side], str(asked_file), str(told))
    except ModelError as error:
        study.keep(Step(size=size, side=side, what=name, note=reason(error)))
        return
    found = msgspec.json.decode(told.read_bytes(), type=Measurement)
    study.keep(
        Step(
            size=size,
            side=side,
            what=name,
            cold=seen.seconds,
            warm=found.stage_seconds,
            tokens=found.tokens,
            gpu_gb=seen.gpu_peak_gb,
        )
    )


def asked(study: Study, size: str, work: Workload) -> Ask:
    """Encode what the engines answer, with the adapters that mores trained."""
    from transformers import AutoTokenizer

    from engine_work import rows

    folder = study.folder / size / "mores"
    tokenizer = AutoTokenizer.from_pretrained(work.model_folder)
    adapters = {arm: str(folder / arm) for arm in ARMS if (folder / arm).exists()}
    found = [
        row
        for row in rows(work, tokenizer, 4096, study.options.draws)
        if not row["adapter"] or row["adapter"] in adapters
    ]
    return Ask(
        model=work.model_folder,
        gguf="",
        adapters=adapters,
        gguf_adapters={},
        rank=work.recipe.lora_rank,
        dtype=work.dtype,
        rows=found,
        new_tokens=study.options.new_tokens,
        width=study.options.width,
        threads=8,
        times=2,
    )


def sample(
    study: Study,
    size: str,
    side: str,
    python: Path,
    ask: Ask,
    ours: dict[str, list[int]] | None,
) -> dict[str, list[int]] | None:
    """Draw all answers twice in one process; return them, or None where that failed."""
    limit = study.limit("vllm" if side == "vllm" else "sample")
    try:
        seen, told = run(side, python, ask, study.folder, limit)
    except ModelError as error:
        study.keep(Step(size=size, side=side, what="sample", note=reason(error)))
        return None
    one = run_of(told, seen.started, seen.peak_gb, seen.gpu_peak_gb)
    same = agreement(ours, told["answers"]).first if ours else None
    study.keep(
        Step(
            size=size,
            side=side,
            what="sample",
            cold=one.whole,
            warm=one.warm,
            tokens=one.tokens,
            gpu_gb=one.gpu_peak_gb,
            note="" if same is None else f"{same:.0%} of first tokens as with mores",
        )
    )
    return told["answers"]


def compare_losses(study: Study, size: str, work: Workload) -> None:
    """Say whether both sides' adapters of the values arm give the same loss."""
    folders = [study.folder / size / side / ARMS[0] for side in SIDES]
    file = study.folder / "workload.json"
    file.write_bytes(msgspec.json.encode(work))
    try:
        seen = study.program("loss", "held_out_loss.py", str(file), *map(str, folders))
    except ModelError as error:
        study.said.append(f"- {size}: the losses could not be compared. {reason(error)}")
        return
    ours, theirs = json.loads(seen.output)
    agree, sentence = losses_agree([ours], [theirs], TOLERANCE[work.dtype])
    study.agree = study.agree and agree
    study.said.append(f"- {size}, on the last eight samples, which were trained: {sentence}")


def reason(error: ModelError) -> str:
    """The last line of what a process said, short enough for a table."""
    return "no figure: " + " ".join(error.message.split())[-160:].replace("|", "/")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MoresError as problem:
        sys.exit(str(problem))
