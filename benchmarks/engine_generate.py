"""`generate` of transformers as one of the engines: `python engine_generate.py ASK.json TOLD.json`.

One base model serves all arms; an adapter is merged before its answers are drawn and unmerged
afterwards. Prompts of similar length share a batch, padded on the left.
"""

from __future__ import annotations

import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine_ask import Ask, Row, answer, by_adapter


class Generate:
    """A model of transformers, and its adapters in PEFT."""

    version = transformers.__version__
    how = "batches of prompts of similar length, adapters merged in turn"

    def __init__(self, ask: Ask) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = getattr(torch, ask["dtype"])
        self.model = AutoModelForCausalLM.from_pretrained(ask["model"], dtype=dtype).to(device)
        # A token that ends a text would end it sooner here than elsewhere.
        self.model.generation_config.eos_token_id = None
        self.base = self.model.eval()
        for name, folder in ask["adapters"].items():
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(folder, name)
            else:
                self.model = PeftModel.from_pretrained(self.model, folder, name)

    def draw(self, ask: Ask) -> dict[str, list[int]]:
        """Draw the rows' answers, arm by arm."""
        found: dict[str, list[int]] = {}
        for name, rows in by_adapter(ask["rows"]):
            if name:
                self.model.set_adapter(name)
                self.model.merge_adapter([name])
                found |= self._rows(rows, ask)
                self.model.unmerge_adapter()
            elif isinstance(self.model, PeftModel):
                with self.model.disable_adapter():
                    found |= self._rows(rows, ask)
            else:
                found |= self._rows(rows, ask)
        return found

    def _rows(self, rows: list[Row], ask: Ask) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        ordered = sorted(rows, key=lambda row: len(row["ids"]))
        for at in range(0, len(ordered), ask["width"]):
            batch = ordered[at : at + ask["width"]]
            longest = len(batch[-1]["ids"])
            ids = torch.tensor([[0] * (longest - len(r["ids"])) + r["ids"] for r in batch])
            mask = torch.tensor(
                [[0] * (longest - len(r["ids"])) + [1] * len(r["ids"]) for r in batch]
            )
            with torch.inference_mode():
                out = self.base.generate(
                    input_ids=ids.to(self.base.device),
                    attention_mask=mask.to(self.base.device),
                    do_sample=False,
                    max_new_tokens=ask["new_tokens"],
                    pad_token_id=0,
                )
            told = out[:, longest:].tolist()
            found |= {row["id"]: own for row, own in zip(batch, told, strict=True)}
        return found


if __name__ == "__main__":
    answer(Generate)
