"""Tokens a second of mores beside vLLM, llama.cpp and `generate`, each from its start.

    python benchmarks/against_engines.py                 # 3 interleaved repeats
    python benchmarks/against_engines.py --prompts 8 --repeats 1

Base and both adapters answer the prompts of all five arms of the example study, greedily and with
answers of one length. An engine that is not installed is named, and gets no number.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

import llama_peer
from against_trl import HERE, describe_machine, fill, last_line, usable_cores
from engine_ask import Ask, Told
from engine_tables import NAMES, OURS, Agreement, Run, agreement, run_of, table, verdicts
from mores.errors import ModelError, MoresError
from mores.sample.vllm.environment import vllm_environment
from watched import Seen, watched
from workload import Workload, child_environment

BEGIN, END = "<!-- against_engines: begin -->", "<!-- against_engines: end -->"
PEERS = {"vllm": vllm_environment, "llama": llama_peer.environment}
SECONDS = 3600.0
"""A process that takes longer is stopped."""
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "4",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",  # it keeps one core free otherwise, of two
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return 1 where an engine answers otherwise."""
    options = parse(arguments)
    if options.install:
        for environment in PEERS.values():
            print(environment().python(print), flush=True)
        return 0
    pythons, absent = installed()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        ask = prepare(options, Path(folder), gguf="llama" in pythons)
        found = compare(pythons, ask, options.repeats, Path(folder))
    says = verdicts(found.runs, found.agreed)
    text = "\n\n".join(
        [
            describe_machine("the CPU"),
            describe_work(ask, options.repeats),
            table(found.runs, found.agreed),
            "\n".join([*says, *found.failed, *absent]),
            "How each was run. " + " ".join(f"{NAMES[n]} {how}." for n, how in found.how.items()),
        ]
    )
    print(f"\n{text}")
    if options.docs:
        page = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(fill(page, text, BEGIN, END), encoding="utf-8")
    return int(any("DOES NOT COUNT" in line for line in says))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--prompts", type=int, default=40, help="of each arm")
    parser.add_argument("--new-tokens", type=int, default=64, help="tokens of every answer")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--samples", type=int, default=16, help="that each adapter is trained on")
    parser.add_argument("--width", type=int, default=40, help="rows a batch of the peers")
    parser.add_argument("--install", action="store_true", help="make the peers' environments")
    parser.add_argument("--work", type=Path, help="folder for temporary files")
    parser.add_argument("--docs", type=Path, help="page whose table is replaced by this run's")
    return parser.parse_args(arguments)


def installed() -> tuple[dict[str, Path], list[str]]:
    """Return each engine's Python, and a line for each engine that there is none for."""
    pythons = {OURS: Path(sys.executable), "generate": Path(sys.executable)}
    absent = []
    for name, environment in PEERS.items():
        own = environment()
        python = own.found()
        if python is None:
            absent.append(
                f"- {NAMES[name]} was not installed here: no figure. `make bench-peers` installs "
                f"it, or name a Python that has it in {own.variable}."
            )
        else:
            pythons[name] = python
    return pythons, absent


def prepare(options: argparse.Namespace, folder: Path, *, gguf: bool) -> Ask:
    """Train the adapters, encode the prompts, convert what llama.cpp reads. Nothing is timed."""
    facts = json.loads(last_line("prepare_model.py", "", str(folder / "model")))
    work = Workload(
        model_folder=facts["folder"],
        study=str(HERE.parent / "examples" / "wellbeing"),
        samples=options.samples,
        prompts=options.prompts,
    )
    asked = folder / "workload.json"
    asked.write_bytes(msgspec.json.encode(work))
    made = json.loads(last_line("engine_work.py", str(asked), str(folder)))
    adapters = {name: Path(path) for name, path in made["adapters"].items()}
    model, files = (
        llama_peer.convert(Path(work.model_folder), adapters, folder) if gguf else ("", {})
    )
    return Ask(
        model=work.model_folder,
        gguf=str(model),
        adapters=made["adapters"],
        gguf_adapters={name: str(path) for name, path in files.items()},
        rank=made["rank"],
        dtype=work.dtype,
        rows=made["rows"],
        new_tokens=options.new_tokens,
        width=options.width,
        threads=usable_cores(),
        times=1,
    )


@dataclass
class Found:
    """What the engines gave."""

    runs: dict[str, list[Run]]
    agreed: dict[str, Agreement] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def compare(pythons: Mapping[str, Path], ask: Ask, repeats: int, folder: Path) -> Found:
    """Let the engines take turns; one that fails is left out, with its last words.

    Raises:
        MoresError: mores itself failed.
    """
    found = Found({name: [] for name in pythons})
    for number in range(repeats):
        names = list(found.runs) if number % 2 == 0 else list(found.runs)[::-1]
        answers: dict[str, dict[str, list[int]]] = {}
        for name in names:
            try:
                seen, told = run(name, pythons[name], ask, folder, SECONDS)
            except ModelError as error:
                if name == OURS:
                    raise
                del found.runs[name]
                found.failed.append(f"- {NAMES[name]} failed: no figure. {error.message}")
                continue
            one = run_of(told, seen.started, seen.peak_gb, seen.gpu_peak_gb)
            found.runs[name].append(one)
            found.how[name] = f"{told['version']}: {told['how']}"
            answers[name] = told["answers"]
            print(
                f"repeat {number + 1}  {NAMES[name]:<22} loaded in {one.loading:5.1f} s, drawn in "
                f"{one.drawing:6.1f} s, {one.tokens / one.whole:6.1f} tok/s with the start",
                flush=True,
            )
        for name, own in answers.items():
            found.agreed[name] = agreement(answers[OURS], own)
    return found


def run(name: str, python: Path, ask: Ask, folder: Path, seconds: float) -> tuple[Seen, Told]:
    """Run one engine once.

    Raises:
        ModelError: it failed, or took longer than ``seconds``.
    """
    asked, told = folder / "ask.json", folder / "told.json"
    asked.write_text(json.dumps(ask), "utf-8")
    told.unlink(missing_ok=True)
    program = str(HERE / f"engine_{name}.py")
    environment = child_environment(ask["threads"]) | SETTINGS
    # Ours would shadow the libraries of another environment.
    if python != Path(sys.executable):
        environment.pop("PYTHONPATH", None)
    seen = watched(
        [str(python), program, str(asked), str(told)], seconds=seconds, environment=environment
    )
    if seen.error or not told.exists():
        raise ModelError(
            seen.error or "it wrote no result", where=program, fix="run it by itself to see why"
        )
    return seen, json.loads(told.read_text("utf-8"))


def describe_work(ask: Ask, repeats: int) -> str:
    """Return what was done, in a sentence."""
    arms = sorted({row["arm"] for row in ask["rows"]})
    read = sum(len(row["ids"]) for row in ask["rows"])
    return (
        f"{repeats} interleaved repeats, medians (least-greatest). {len(ask['rows'])} answers of "
        f"{ask['new_tokens']} tokens each, drawn greedily, to prompts of {read} tokens in all "
        f"(arms {', '.join(arms)}); {ask['dtype']}, {ask['threads']} threads. Each engine in a "
        "fresh process; converting to GGUF is not counted."
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MoresError as problem:
        sys.exit(str(problem))
