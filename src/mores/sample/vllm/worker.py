"""Runs inside vLLM's environment: requests as JSON lines in, answers as JSON lines out.

It imports nothing of mores: the two environments share this file and the wire, no library. Lines:

    in   {"load": {"model": ..., "adapters": {name: folder}, ...}}
    out  {"ready": {"version": ...}}
    in   {"probe": [{"adapter", "prompt": [...], "answer": [...]}]}
    out  {"probed": [nats a token], "mixed": [nats]}
    in   {"draw": [{"id", "adapter", "ids", "seed", "max_tokens", "stop"}], "decoding": {...}}
    out  {"id", "ids", "finish"}  for each, as it finishes, then {"drawn": count}
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


class Worker:
    """One model in vLLM with its adapters."""

    def __init__(self, asked: dict[str, Any]) -> None:
        import vllm
        from vllm.lora.request import LoRARequest

        adapters = asked["adapters"]
        lora = {
            "enable_lora": True,
            # One more than there are: on CPUs, rows without an adapter take the last place's, which
            # must hold none (0.32: `lora_a_weights[-1]` in its torch kernels).
            "max_loras": len(adapters) + 1,
            "max_lora_rank": asked["rank"],
        }
        self.engine = vllm.LLM(
            model=asked["model"],
            dtype=asked["dtype"],
            max_model_len=asked["context"],
            enforce_eager=True,  # starts sooner; with so few tokens the start is much of the time
            tensor_parallel_size=asked["gpus"],
            seed=0,
            max_logprobs=1,
            disable_log_stats=True,
            enable_prefix_caching=True,
            **(lora if adapters else {}),
        )
        self.adapters = {
            name: LoRARequest(name, number, folder)
            for number, (name, folder) in enumerate(sorted(adapters.items()), 1)
        }
        self.version = vllm.__version__

    def probe(self, items: list[dict[str, Any]]) -> list[float]:
        """Mean log-probability of answers, nats a token."""
        from vllm import SamplingParams

        found = []
        for item in items:  # one at a time: 0.32 cannot give several with adapters on CPUs
            params = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
            (told,) = self._generate([item], params, item["prompt"] + item["answer"])
            own = zip(item["answer"], told.prompt_logprobs[len(item["prompt"]) :], strict=True)
            found.append(sum(at[token].logprob for token, at in own) / len(item["answer"]))
        return found

    def mix(self, items: list[dict[str, Any]]) -> list[float]:
        """How far each item's next token moves, in nats, when the others are beside it."""
        from vllm import SamplingParams

        params = SamplingParams(max_tokens=1, temperature=0.0, logprobs=0)
        alone = [self._generate([item], params)[0] for item in items]
        self.engine.reset_prefix_cache()
        found = []
        for one, other in zip(alone, self._generate(items, params), strict=True):
            (token,) = one.outputs[0].token_ids
            at = other.outputs[0].logprobs[0].get(token)
            own = one.outputs[0].logprobs[0][token].logprob
            found.append(abs(own - at.logprob) if at is not None else float(abs(own)))
        return found

    def _generate(self, items: list[dict[str, Any]], params: Any, *ids: list[int]) -> Any:
        return self.engine.generate(
            [{"prompt_token_ids": own} for own in (ids or [item["prompt"] for item in items])],
            params,
            lora_request=[self.adapters.get(item["adapter"]) for item in items],
            use_tqdm=False,
        )

    def draw(self, requests: list[dict[str, Any]], decoding: dict[str, Any]) -> Any:
        """Give answers as they finish."""
        from vllm import SamplingParams

        core = self.engine.llm_engine
        for request in requests:
            params = SamplingParams(
                temperature=decoding["temperature"],
                top_p=decoding["top_p"],
                top_k=decoding["top_k"] or -1,
                max_tokens=request["max_tokens"],
                seed=request["seed"],
                stop=request["stop"],
                stop_token_ids=decoding["ends"],
            )
            core.add_request(
                request["id"],
                {"prompt_token_ids": request["ids"]},
                params,
                lora_request=self.adapters.get(request["adapter"]),
            )
        while core.has_unfinished_requests():
            for output in core.step():
                if output.finished:
                    (made,) = output.outputs
                    ids = list(made.token_ids)
                    yield {"id": output.request_id, "ids": ids, "finish": made.finish_reason}


def main() -> None:
    """Answer lines until there are no more."""
    # vLLM and its children write to standard output; the wire is a copy that only we know.
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker: Worker | None = None

    def say(line: dict[str, Any]) -> None:
        wire.write(json.dumps(line) + "\n")
        wire.flush()

    for text in sys.stdin:
        line = json.loads(text)
        if "load" in line:
            worker = Worker(line["load"])
            say({"ready": {"version": worker.version}})
            continue
        assert worker is not None
        if "probe" in line:
            say({"probed": worker.probe(line["probe"]), "mixed": worker.mix(line["probe"])})
        elif "draw" in line:
            count = 0
            for answer in worker.draw(line["draw"], line["decoding"]):
                say(answer)
                count += 1
            say({"drawn": count})


if __name__ == "__main__":  # vLLM starts processes that import this file again
    main()
