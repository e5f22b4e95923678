"""What the plain way through a model costs, against one flat row, on the same random weights.

    python benchmarks/ways.py --hidden 1024 --layers 12

Prints tokens a second of training (LoRA), of sampling and of scoring for a Llama run in one row,
the same Llama run plainly, and a hybrid (Qwen3.5's layers), which is only run plainly. Sampling
draws 64 tokens for each of 72 rows (24 prompts, three draws), and nothing ends them earlier.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

TOKENS = 64


def main() -> None:
    """Measure three models and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of any tokenizer")
    parser.add_argument("--dtype", default="float32")
    given = parser.parse_args()
    print("| model | way | training tokens/s | sampling tokens/s | scoring tokens/s |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, plain in (("llama", False), ("llama", True), ("qwen3_5_text", True)):
            _measure(name, _model(Path(folder) / f"{name}-{plain}", name, given), plain)


def _model(folder: Path, name: str, given: argparse.Namespace):  # noqa: ANN202
    import architectures
    from mores.weights.load import load
    from mores.weights.resolve import resolve

    heads = given.hidden // 64
    layers = given.layers
    architectures.SMALL |= {
        "hidden_size": given.hidden,
        "intermediate_size": 3 * given.hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": max(1, heads // 4),
        "head_dim": 64,
        "initializer_range": 0.02,
        "max_position_embeddings": 2048,
    }
    architectures.VOCABULARY = 32_000
    mixed = ["linear_attention", "linear_attention", "linear_attention", "full_attention"]
    architectures.ARCHITECTURES["qwen3_5_text"] = {
        "layer_types": (mixed * layers)[:layers],
        "linear_num_key_heads": heads,
        "linear_num_value_heads": heads,
        "linear_key_head_dim": 64,
        "linear_value_head_dim": 64,
    }
    architectures.write(given.tokenizer, folder, name)
    return load(resolve(str(folder)), dtype=given.dtype)


def _measure(name: str, loaded, plain: bool) -> None:  # noqa: ANN001
    from mores.records import Decoding, Recipe
    from mores.sample.decoder import Decoder
    from mores.sample.requests import Request
    from mores.study.arms import ArmKey
    from mores.tune.encode import EncodedSample
    from mores.tune.loop import fit
    from mores.weights.attention import Layout
    from mores.weights.way import Way

    if loaded.way.flat and plain:
        loaded.model.set_attn_implementation("sdpa")
        loaded.way = Way(padded=True, steps="padded", why="to compare")
    loaded.model.generation_config.eos_token_id = None
    rng = torch.Generator().manual_seed(1)

    def text(count: int) -> tuple[int, ...]:
        return tuple(torch.randint(10, 390, (count,), generator=rng).tolist())

    key = ArmKey("base", 0)
    prompts = [text(20 + 2 * i) for i in range(24)]
    rows = [Request(key, f"p{i}", "c", d, p) for i, p in enumerate(prompts) for d in range(3)]
    engine = Decoder(loaded)
    engine.draw(rows[:3], Decoding(max_new_tokens=4), 1)
    sampling = _rate(
        lambda: sum(len(r.ids) for r in engine.draw(rows, Decoding(max_new_tokens=TOKENS), 1))
    )
    texts = [text(200) for _ in range(8)]
    flat = torch.tensor([t for one in texts for t in one])

    def score() -> int:
        with torch.inference_mode():
            loaded.logits(loaded.hidden(flat, Layout.of([200] * 8))).sum().item()
        return len(flat)

    score()
    scoring = _rate(score)
    samples = [EncodedSample(f"s{i}", text(200), 60) for i in range(16)]
    recipe = Recipe(epochs=1, batch_size=8)
    done = fit(loaded, samples, recipe, seed=1)
    training = done.tokens / done.seconds
    how = "one row" if loaded.way.flat else f"plain, {loaded.way.steps}"
    print(f"| {name} | {how} | {training:,.0f} | {sampling:,.0f} | {scoring:,.0f} |", flush=True)


def _rate(work) -> float:  # noqa: ANN001
    start = time.perf_counter()
    count = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
