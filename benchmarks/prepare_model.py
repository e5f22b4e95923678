"""Find the bundled model, or draw one of random weights; print its place and size as JSON.

python benchmarks/prepare_model.py "" FOLDER      # the bundled model
python benchmarks/prepare_model.py 1b FOLDER      # a random one, written to FOLDER
python benchmarks/prepare_model.py 1b FOLDER T    # with the tokenizer in folder T, not the bundled
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mores.errors import ModelError, MoresError
from mores.weights.resolve import resolve
from random_model import write_random_model


def prepare(size: str, folder: Path, tokenizer: Path | None = None) -> dict[str, str | int]:
    """Return the model's folder, its number of weights and the device that will be used.

    Raises:
        ModelError: a size of billions of weights without a GPU.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    if size and size != "tiny" and not torch.cuda.is_available():
        raise ModelError(
            f"--gpu {size} needs a GPU, and torch sees none here",
            fix="--gpu tiny runs the same path on a CPU, with a tiny model",
        )
    given = tokenizer or Path(resolve("smollm2-135m").folder)
    chosen = write_random_model(size, given, folder) if size else given
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(chosen))
    return {
        "folder": str(chosen),
        "parameters": sum(p.numel() for p in model.parameters()),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU",
    }


if __name__ == "__main__":
    try:
        print(json.dumps(prepare(sys.argv[1], *map(Path, sys.argv[2:]))))
    except MoresError as error:
        sys.exit(str(error))
