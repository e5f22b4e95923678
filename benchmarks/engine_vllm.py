"""vLLM as one of the sampling engines, in its own environment.

    VLLM_PYTHON engine_vllm.py ASK.json TOLD.json

Loaded by the worker that mores itself drives: all adapters beside the base, equal beginnings kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine_ask import Ask, answer

sys.path.append(str(Path(__file__).parents[1] / "src" / "mores" / "sample" / "vllm"))


class Vllm:
    """vLLM's offline engine with the base and all adapters."""

    how = "base and adapters together, prefix caching, eager, its own scheduler"

    def __init__(self, ask: Ask) -> None:
        from worker import Worker

        context = max(len(row["ids"]) for row in ask["rows"]) + ask["new_tokens"] + 1
        keys = ("model", "adapters", "rank", "dtype")
        self.worker = Worker({**{k: ask[k] for k in keys}, "context": context, "gpus": 1})
        self.version = self.worker.version

    def draw(self, ask: Ask) -> dict[str, list[int]]:
        """Hand all rows over at once."""
        from vllm import SamplingParams

        params = SamplingParams(temperature=0.0, max_tokens=ask["new_tokens"], ignore_eos=True)
        self.worker.engine.reset_prefix_cache()  # a second time is to cost what the first did
        told = self.worker.engine.generate(
            [{"prompt_token_ids": row["ids"]} for row in ask["rows"]],
            params,
            lora_request=[self.worker.adapters.get(row["adapter"]) for row in ask["rows"]],
            use_tqdm=False,
        )
        rows = zip(ask["rows"], told, strict=True)
        return {row["id"]: list(one.outputs[0].token_ids) for row, one in rows}


if __name__ == "__main__":  # vLLM starts processes that import this file again
    answer(Vllm)
