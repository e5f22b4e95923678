"""llama.cpp as one of the sampling engines, in its own environment.

    LLAMA_PYTHON engine_llama.py ASK.json TOLD.json

Through the low-level calls of llama-cpp-python: a context an arm, since an adapter belongs to a
context; many sequences in one batch; beginnings that prompts share are read once and copied.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import llama_cpp as lc
import numpy as np

from engine_ask import Ask, Row, answer, by_adapter, waves

LEAST = 32
"""Tokens that a beginning must have to be read once for all."""
BATCH = 2048
"""Most tokens handed over in one call."""
UNIFIED = os.environ.get("LLAMA_UNIFIED", "0") == "1"
"""One buffer of keys and values for all sequences instead of one for each: copying a beginning is
then free, but every row looks past the others' tokens."""


class Llama:
    """A GGUF model and its adapters."""

    version = lc.__version__

    def __init__(self, ask: Ask) -> None:
        lc.llama_log_set(SILENT, ctypes.c_void_p())
        lc.llama_backend_init()
        params = lc.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model: Any = lc.llama_model_load_from_file(ask["gguf"].encode(), params)
        self.words = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))
        self.adapters = {
            name: lc.llama_adapter_lora_init(self.model, path.encode())
            for name, path in ask["gguf_adapters"].items()
        }
        if not self.model or not all(self.adapters.values()):
            raise SystemExit("llama.cpp could not read the GGUF files")
        self.how = (
            f"float32 weights, half-precision cache, a context an arm, at most {ask['width']} "
            f"sequences a batch, {'one buffer' if UNIFIED else 'a buffer each'}, beginnings copied"
        )

    def draw(self, ask: Ask) -> dict[str, list[int]]:
        """Draw the rows' answers, arm by arm and wave by wave."""
        found: dict[str, list[int]] = {}
        for name, rows in by_adapter(ask["rows"]):
            for wave in waves(rows, ask["width"], LEAST):
                found |= self._wave(name, wave, ask)
        return found

    def _wave(self, name: str, wave: list[tuple[int, list[Row]]], ask: Ask) -> dict[str, list[int]]:
        rows = [row for _, group in wave for row in group]
        context = self._context(name, rows, ask)
        batch = _Batch(context, self.words)
        memory = lc.llama_get_memory(context)
        first = 0
        for shared, group in wave:
            batch.read(group[0]["ids"][:shared], 0, first)
            batch.flush()
            for other in range(first + 1, first + len(group)):
                if shared:
                    lc.llama_memory_seq_cp(memory, first, other, -1, -1)
            first += len(group)
        lengths = [shared for shared, group in wave for _ in group]
        for sequence, (row, shared) in enumerate(zip(rows, lengths, strict=True)):
            batch.read(row["ids"][shared:], shared, sequence, answer=True)
        batch.flush()
        drawn = [[batch.chosen[s]] for s in range(len(rows))]
        for step in range(ask["new_tokens"] - 1):
            for sequence, row in enumerate(rows):
                at = len(row["ids"]) + step
                batch.read([drawn[sequence][-1]], at, sequence, answer=True)
            batch.flush()
            for sequence in range(len(rows)):
                drawn[sequence].append(batch.chosen[sequence])
        batch.free()
        lc.llama_free(context)
        return {row["id"]: own for row, own in zip(rows, drawn, strict=True)}

    def _context(self, name: str, rows: list[Row], ask: Ask) -> Any:
        longest = max(len(row["ids"]) for row in rows) + ask["new_tokens"]
        params = lc.llama_context_default_params()
        params.n_seq_max = len(rows)
        params.n_ctx = len(rows) * -(-longest // 256) * 256
        params.n_batch = BATCH
        params.n_threads = params.n_threads_batch = ask["threads"]
        params.kv_unified = UNIFIED
        context = lc.llama_init_from_model(self.model, params)
        if not context:
            raise SystemExit("llama.cpp could not make a context")
        if name:
            one = (lc.llama_adapter_lora_p_ctypes * 1)(self.adapters[name])
            lc.llama_set_adapters_lora(context, one, 1, (ctypes.c_float * 1)(1.0))
        return context


class _Batch:
    """Collects tokens, has them read, and keeps the most likely next token of each sequence."""

    def __init__(self, context: Any, words: int) -> None:
        self.context, self.words = context, words
        self.batch = lc.llama_batch_init(BATCH, 0, 1)
        self.asked: list[int] = []
        self.chosen: dict[int, int] = {}

    def read(self, ids: list[int], start: int, sequence: int, *, answer: bool = False) -> None:
        """Add tokens of a sequence; the last one's logits are wanted where an answer follows."""
        for number, token in enumerate(ids):
            if self.batch.n_tokens == BATCH:
                self.flush()
            at = self.batch.n_tokens
            wanted = answer and number == len(ids) - 1
            self.batch.token[at] = token
            self.batch.pos[at] = start + number
            self.batch.n_seq_id[at] = 1
            self.batch.seq_id[at][0] = sequence
            self.batch.logits[at] = wanted
            self.batch.n_tokens += 1
            if wanted:
                self.asked.append(sequence)

    def flush(self) -> None:
        """Have llama.cpp read what was added."""
        if not self.batch.n_tokens:
            return
        status = lc.llama_decode(self.context, self.batch)
        if status:
            raise SystemExit(f"llama_decode gave {status}")
        if self.asked:
            shape = (len(self.asked), self.words)
            logits = np.ctypeslib.as_array(lc.llama_get_logits(self.context), shape)
            self.chosen |= dict(zip(self.asked, logits.argmax(1).tolist(), strict=True))
        self.asked = []
        self.batch.n_tokens = 0

    def free(self) -> None:
        """Give the buffers back."""
        lc.llama_batch_free(self.batch)


@lc.llama_log_callback
def SILENT(level: int, text: bytes, data: Any) -> None:  # noqa: N802
    """Say nothing."""


if __name__ == "__main__":
    answer(Llama)
