"""A small encoder as one file of 8-bit weights: matrices row by row, the rest as 16-bit floats.

Takes a classifier of transformers (BERT, one output) and its word list, gives a safetensors file
with the word list and the settings in its header; and back. Used by the training programs only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

SCALE = ".scale"


def write(path: Path, model: Any, words: list[str]) -> None:
    """Write a classifier: w ≈ q · s with q in −127..127 and one s a row, s = max|w| / 127."""
    kept: dict[str, Tensor] = {}
    for name, weight in model.state_dict().items():
        if weight.dim() < 2:
            kept[name] = weight.detach().cpu().half().contiguous()
        else:
            scale = weight.detach().float().abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
            kept[name] = (weight.float() / scale).round().to(torch.int8).cpu().contiguous()
            kept[name + SCALE] = scale.cpu().contiguous()
    settings = model.config.to_diff_dict()
    save_file(kept, path, {"config": json.dumps(settings), "words": "\n".join(words)})


def read(path: Path) -> tuple[Any, Any]:
    """Return tokenizer and classifier, in 32-bit floats, ready to be used or saved as a folder."""
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    with safe_open(path, "pt") as file:
        about = file.metadata()
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    weights = {
        name: (w.float() * stored[name + SCALE] if name + SCALE in stored else w.float())
        for name, w in stored.items()
        if not name.endswith(SCALE)
    }
    model = BertForSequenceClassification(BertConfig(**json.loads(about["config"])))
    model.load_state_dict(weights)
    special = {f"{n}_token": f"[{n.upper()}]" for n in ("unk", "sep", "pad", "cls", "mask")}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=word_pieces(about["words"].split("\n")), model_max_length=512, **special
    )
    return tokenizer, model.eval()


def word_pieces(words: list[str]) -> Any:
    """Return BERT's uncased tokenizer over a word list."""
    from tokenizers import BertWordPieceTokenizer

    vocabulary = {word: number for number, word in enumerate(words)}
    return BertWordPieceTokenizer(vocabulary, lowercase=True)._tokenizer  # noqa: SLF001
