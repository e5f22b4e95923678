"""A task of the lm-evaluation-harness, asked by the harness, of a model that is in memory.

    results = score_harness(loaded, load_harness_task("harness:tasks/local.yaml"))

The harness computes as its command line does: the architecture's own attention,
`BATCH` requests a pass, one task at a time. Whatever weights are in place (base, an
adapter, a full tuning) are asked, so that one loaded model serves every arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mores.errors import DataError
from mores.measure.capability.harness_metric import item_logprob, item_value
from mores.measure.capability.harness_room import offline, told
from mores.measure.capability.harness_tasks import FEWSHOT_SEED, HarnessTask
from mores.measure.capability.score import ItemResult
from mores.weights import attention
from mores.weights.likelihood import OnItems

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

BATCH = 8
"""Requests a pass; the last digits depend on it (``--batch_size 8``)."""
SEEDS = (0, 1234, 1234)
"""Of random, numpy and torch, as the harness's command line sets them."""


def score_harness(
    loaded: LoadedModel,
    task: HarnessTask,
    *,
    batch_size: int = BATCH,
    on_items: OnItems | None = None,
) -> list[ItemResult]:
    """Ask every item; results in the order of ``task.items``.

    An item without a finite value has None and a reason. A context that is too long is cut from
    the left, as the harness does; the reason then says so beside the value.

    Raises:
        DataError: an answer has no tokens.
        MeasureError: the harness or the task's own code fails.
    """
    with offline(), _own_attention(loaded), told(task.name, "run it"):
        model = _wrap(loaded, batch_size, task.name)
        samples = _evaluate(model, task)
    found: dict[str, ItemResult] = {}
    gold = {item.id: item.gold for item in task.items}
    for name, part in task.parts.items():
        head = f"{name}/" if len(task.parts) > 1 else ""
        for sample in samples[name]:
            if sample["filter"] == task.value.filter:
                item = f"{head}{sample['doc_id']}"
                cut = any(tuple(map(str, a)) in model.cut for a in sample["arguments"])
                found[item] = _result(task, item, sample, part.OUTPUT_TYPE, gold[item], cut)
    if on_items:
        on_items(len(task.items))
    return [found[item.id] for item in task.items]


def _evaluate(model: Any, task: HarnessTask) -> dict[str, list[dict[str, Any]]]:
    """Let the harness ask; its `simple_evaluate` would also describe the machine, for seconds."""
    import random

    import numpy as np
    import torch
    from lm_eval.evaluator import evaluate

    state = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
    random.seed(SEEDS[0])
    np.random.seed(SEEDS[1])  # noqa: NPY002 - tasks draw from the global generators
    torch.manual_seed(SEEDS[2])
    for part in task.parts.values():
        part.set_fewshot_seed(FEWSHOT_SEED)  # every arm sees the same examples
    try:
        found = evaluate(
            lm=model,
            task_dict={"tasks": task.parts, "groups": {}},
            samples=task.drawn or None,
            bootstrap_iters=0,
            log_samples=True,
        )
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002
        torch.set_rng_state(state[2])
    samples: dict[str, list[dict[str, Any]]] = found["samples"]
    return samples


def _result(
    task: HarnessTask, item: str, sample: dict[str, Any], kind: str, gold: int, cut: bool
) -> ItemResult:
    logprob, broken = item_logprob(sample, kind, gold)
    value, why = (None, broken) if broken else item_value(task.value, sample)
    if cut and value is not None:
        why = "longer than the model reads: the harness cut its beginning"
    return ItemResult(item, value, logprob, why)


@contextmanager
def _own_attention(loaded: LoadedModel) -> Iterator[None]:
    """Use what transformers chooses for the architecture, as the command line would."""
    model = loaded.model
    if not loaded.way.flat:  # it is its own already
        yield
        return
    model.set_attn_implementation("sdpa" if getattr(model, "_supports_sdpa", False) else "eager")
    try:
        yield
    finally:
        model.set_attn_implementation(attention.NAME)


def _wrap(loaded: LoadedModel, batch_size: int, task: str) -> Any:
    """Our model as the harness's; it remembers which requests were cut."""
    from copy import deepcopy

    from lm_eval.models.huggingface import HFLM

    class Loaded(HFLM):  # type: ignore[misc]  # the harness has no types
        """The model in memory, without progress bars."""

        def __init__(self) -> None:
            # A copy, because the harness may give the tokenizer a padding token.
            super().__init__(
                pretrained=loaded.model,
                tokenizer=deepcopy(loaded.tokenizer),
                batch_size=batch_size,
            )
            self.cut: set[tuple[str, ...]] = set()

        def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> Any:
            """Ask for continuations, after a look for empty ones."""
            for request in requests:
                if not request.args[1]:
                    raise DataError(
                        "an answer is empty, so it has no log-probability",
                        where=f"task {task!r}, document {request.doc_id}",
                        fix="leave the document out, or give every choice some text",
                    )
            return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

        def _loglikelihood_tokens(self, requests: Any, **more: Any) -> Any:
            for names, context, continuation in requests:
                if names and len(context) + len(continuation) > self.max_length + 1:
                    self.cut.add(tuple(map(str, names)))
            return super()._loglikelihood_tokens(requests, **{**more, "disable_tqdm": True})

    return Loaded()
