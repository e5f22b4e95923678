"""Time, memory and held-out loss of mores against a careful TRL script, in one interleaved run.

    python benchmarks/against_trl.py --quick          # 2 repeats, under 12 minutes on 2 cores
    python benchmarks/against_trl.py                  # 5 repeats of one epoch over 72 samples
    python benchmarks/against_trl.py --gpu 1b         # random weights, on a GPU

Takes the example study and the bundled model; writes `benchmarks/results/<date>.json` and `.md` and
prints the table. Every measurement is made in a fresh process; the sides take turns stage by stage,
and who begins changes from repeat to repeat. The parent process stays small (no torch), because a
child's peak memory can never be below its parent's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from speed_tables import (
    STAGES,
    TOLERANCE,
    Repeat,
    aims,
    estimate_seconds,
    losses_agree,
    markdown,
    quick_samples,
    summarise,
    unrest,
)
from workload import ARMS, SIDES, Job, Measurement, Side, Workload, child_environment, source_digest

HERE = Path(__file__).resolve().parent
PROGRAMS: dict[Side, str] = {"mores": "mores_side.py", "trl": "trl_peer.py"}
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "numpy")
BEGIN, END = "<!-- against_trl: begin -->", "<!-- against_trl: end -->"
TOKENS_A_SAMPLE = 360
"""Mean of the example study in the bundled model's tokens; only the estimate of time uses it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 where held-out losses differ."""
    options = parse(arguments)
    for library in LIBRARIES:
        if version(library) is None:
            sys.exit(f"{library} is missing: pip install -e .[bench]")
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        workload, parameters, device = prepare(options, Path(folder))
        rates = [matrix_rate(workload.dtype)]
        workload = size(options, workload, parameters, rates[0])
        repeats, losses = [], []
        for number in range(options.repeats):
            repeats.append(run_repeat(workload, Path(folder), number))
            losses.append(judge(workload, Path(folder), number))
            rates.append(matrix_rate(workload.dtype))
    result = conclude(options, workload, device, rates, repeats, losses)
    print(result["text"])
    _write(result, options)
    return 0 if result["losses_agree"] else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ``--quick`` changes the sizes that are not given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="small sizes, 2 repeats")
    parser.add_argument("--samples", type=int, help="training samples of each arm")
    parser.add_argument("--steps", type=int, help="at most so many optimiser steps an epoch")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--new-tokens", type=int, default=64, help="most tokens of an answer")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--peer-batch", type=int, default=40, help="rows a call of `generate`")
    parser.add_argument("--full", action="store_true", help="train all weights, not LoRA")
    parser.add_argument("--gpu", metavar="SIZE", help="random model of 1b, 3b or 8b (tiny: no GPU)")
    parser.add_argument("--work", type=Path, help="folder for temporary files")
    parser.add_argument("--docs", type=Path, help="page whose table is replaced by this run's")
    options = parser.parse_args(arguments)
    options.repeats = options.repeats or (2 if options.quick else 5)
    return options


def prepare(options: argparse.Namespace, folder: Path) -> tuple[Workload, int, str]:
    """Find or draw the model in a process of its own; return the work, weights and the device."""
    found = last_line("prepare_model.py", options.gpu or "", str(folder / "model"))
    facts = json.loads(found)
    workload = Workload(
        model_folder=facts["folder"],
        study=str(HERE.parent / "examples" / "wellbeing"),
        method="full" if options.full else "lora",
        epochs=options.epochs,
        learning_rate=5e-5 if options.full else 1e-3,
        prompts=options.prompts,
        max_new_tokens=options.new_tokens,
        peer_batch=options.peer_batch,
        dtype="bfloat16" if options.gpu not in (None, "tiny") else "float32",
    )
    return workload, facts["parameters"], facts["device"]


def size(
    options: argparse.Namespace, workload: Workload, parameters: int, gflops: float
) -> Workload:
    """Choose the number of samples where the command line does not; print the estimate."""

    def seconds(samples: int) -> float:
        return estimate_seconds(
            msgspec.structs.replace(workload, samples=samples),
            repeats=options.repeats,
            parameters=parameters,
            gflops=gflops,
            tokens_a_sample=TOKENS_A_SAMPLE,
        )

    samples = options.samples or (quick_samples(seconds) if options.quick else 72)
    if options.steps:
        samples = min(samples, options.steps * workload.batch_size)
    print(
        f"{gflops:.0f} GFLOP/s in {workload.dtype}; {samples} samples an arm, {options.repeats} "
        f"repeats: about {seconds(samples) / 60:.0f} minutes",
        flush=True,
    )
    return msgspec.structs.replace(workload, samples=samples)


def matrix_rate(dtype: str) -> float:
    """Measure the machine's limit in GFLOP/s, in a process of its own."""
    return float(last_line("matrix_rate.py", dtype))


def run_repeat(workload: Workload, folder: Path, number: int) -> Repeat:
    """Measure every stage of both sides once; the sides take turns."""
    sides = SIDES if number % 2 == 0 else SIDES[::-1]
    found: dict[Side, dict[str, Measurement]] = {side: {} for side in SIDES}
    for stage in STAGES:
        kind, _, arm = stage.partition(" ")
        for side in sides:
            job = Job(
                side=side,
                stage="train" if kind == "train" else "sample",
                arm=arm,
                seed=number + 1,
                folder=str(_side_folder(folder, side, number)),
                workload=workload,
            )
            got = measure(job, folder)
            found[side][stage] = got
            print(
                f"repeat {number + 1}  {stage:<22} {side:<6} {got.stage_seconds:7.1f} s  "
                f"{got.tokens / got.stage_seconds:7.1f} tok/s  {got.peak_gb:5.2f} GB",
                flush=True,
            )
    return found


def measure(job: Job, folder: Path) -> Measurement:
    """Run one job in a fresh process and take its wall time from outside."""
    asked, told = folder / "job.json", folder / "measurement.json"
    Path(job.folder).mkdir(parents=True, exist_ok=True)
    asked.write_bytes(msgspec.json.encode(job))
    told.unlink(missing_ok=True)
    start = time.perf_counter()
    last_line(PROGRAMS[job.side], str(asked), str(told))
    wall = time.perf_counter() - start
    found = msgspec.json.decode(told.read_bytes(), type=Measurement)
    return msgspec.structs.replace(found, wall_seconds=wall)


def judge(workload: Workload, folder: Path, number: int) -> dict[str, list[float]]:
    """Return each side's held-out losses from what it saved.

    The values arm in every repeat; the control arm and the base model in the first one.
    """
    (folder / "workload.json").write_bytes(msgspec.json.encode(workload))
    arms = ARMS if number == 0 else ARMS[:1]
    folders = [str(_side_folder(folder, side, number) / arm) for side in SIDES for arm in arms]
    base = [""] if number == 0 else []
    out = last_line("held_out_loss.py", str(folder / "workload.json"), *folders, *base)
    losses: list[float] = json.loads(out)
    n = len(arms)
    return {"mores": losses[:n], "trl": losses[n : 2 * n], "base": losses[2 * n :]}


def conclude(
    options: argparse.Namespace,
    workload: Workload,
    device: str,
    rates: list[float],
    repeats: list[Repeat],
    losses: list[dict[str, list[float]]],
) -> dict[str, Any]:
    """Put everything that was found into one result, with the text to print."""
    rows = summarise(repeats, method=workload.method, gflops=max(rates))
    agree, sentence = losses_agree(
        [x for found in losses for x in found["mores"]],
        [x for found in losses for x in found["trl"]],
        TOLERANCE[workload.dtype],
    )
    machine = describe_machine(device)
    noise = unrest(rows, rates)
    text = [
        machine,
        describe_work(workload, len(repeats), max(rates)),
        *([] if agree else [sentence]),
        *([noise] if noise else []),
        markdown(rows),
        *([sentence] if agree else []),
        describe_losses(repeats, losses),
        "\n".join(aims(rows, processor())),
    ]
    shown = msgspec.structs.replace(workload, model_folder="", study="examples/wellbeing")
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "sources": source_digest(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "model": options.gpu or "smollm2-135m",
        "workload": msgspec.to_builtins(shown),
        "gflops": rates,
        "quiet": noise is None,
        "losses_agree": agree,
        "losses": losses,
        "stages": msgspec.to_builtins(rows),
        "measurements": msgspec.to_builtins(repeats),
        "text": "\n\n".join(text),
    }


def describe_machine(device: str) -> str:
    """Return date, processor, cores, memory and libraries in a sentence."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 1e9
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES[:4])
    return (
        f"{dt.datetime.now(dt.UTC):%d %b %Y}, {processor()}, {cores} cores, {memory:.0f} GB, "
        f"on {device}; Python {platform.python_version()}, {versions}."
    )


def describe_work(workload: Workload, repeats: int, gflops: float) -> str:
    """Return what was done, in a sentence."""
    method = "LoRA" if workload.method == "lora" else "full tuning"
    return (
        f"{repeats} interleaved repeats, medians (least-greatest). {method}, {workload.samples} "
        f"samples an arm, {workload.epochs} epoch(s), batch {workload.batch_size}; "
        f"{workload.prompts} prompts × 3 arms × at most {workload.max_new_tokens} new tokens, "
        f"`generate` in batches of {workload.peer_batch}. Matrix rate {gflops:.0f} GFLOP/s in "
        f"{workload.dtype}; shares count {4 if method == 'LoRA' else 6}N a trained and 2N a drawn "
        "token (padding, prompts of answers and optimiser not counted)."
    )


def describe_losses(repeats: list[Repeat], losses: list[dict[str, list[float]]]) -> str:
    """Return what each side dropped or cut, and the base model's held-out loss."""
    parts = [f"Held-out loss of the base model: {losses[0]['base'][0]:.4f}."]
    for side in SIDES:
        found = [m for r in repeats for m in r[side].values()]
        parts.append(
            f"{side}: {sum(m.dropped for m in found)} samples dropped, "
            f"{sum(m.truncated for m in found)} truncated, "
            f"{sum(m.other_labels for m in found)} with other labels."
        )
    return " ".join(parts)


def fill(page: str, text: str, first: str = BEGIN, last: str = END) -> str:
    """Replace what stands between the marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the page needs a line {first} and a line {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def _write(result: dict[str, Any], options: argparse.Namespace) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    stamp = result["date"][:19].replace(":", "").replace("-", "")
    name = f"against_trl-{result['model']}-{result['workload']['method']}-{stamp}"
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(result["text"] + "\n", encoding="utf-8")
    print(f"\nwritten: benchmarks/results/{name}.json and .md")
    if options.docs:
        page = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(fill(page, result["text"]), encoding="utf-8")


def _side_folder(folder: Path, side: Side, number: int) -> Path:
    return folder / f"{side}-{number}"


def usable_cores() -> int:
    """Cores that this process may use; counted without the package, which is not imported here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def last_line(program: str, *arguments: str) -> str:
    """Run one of the programs beside this one; return what it prints last."""
    done = subprocess.run(
        [sys.executable, str(HERE / program), *arguments],
        env=child_environment(usable_cores()),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{program} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout.strip().rpartition("\n")[2]


def version(library: str) -> str | None:
    """Return a library's version, or None where it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name as the system gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
