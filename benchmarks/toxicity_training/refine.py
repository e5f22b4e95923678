"""Second run, on the CPU: the four-layer student goes on with pairs and with emoji as words.

Takes the rows of `data.py` and the first run's weights, gives new weights and the logits of all
rows. Word embeddings and the lower half stay as they are; about 16,000 short rows an epoch.

    python refine.py ROWS FOUR OUT [EPOCHS]
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import torch
from quantised import read, write
from spell import spelled
from torch.nn.functional import binary_cross_entropy_with_logits
from train import Classifier, Rows, rows_of

SHARES = {"edos": 3500, "convabuse": 1200, "own": 2600, "pair": 4666, "hatemoji": 4728}
"""Rows of each source in an epoch, drawn anew; EDOS half toxic."""
RATE = 1e-4
SEED = 11


def classifier(path: Path) -> Classifier:
    """Return a stored model with its words."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        words = file.metadata()["words"].split("\n")
    tokenizer, model = read(path)
    return Classifier(tokenizer.backend_tokenizer, words, model)


def epoch_rows(rows: Rows, rng: random.Random) -> Rows:
    """Return the rows of an epoch, some of them two to four in a line (toxic if one is)."""
    by_source: dict[str, Rows] = {}
    for row in rows:
        by_source.setdefault(row[2].split()[0], []).append(row)
    chosen = by_source["plain"] * 3
    for source, n in SHARES.items():
        if source == "edos":
            for label in (0.0, 1.0):
                chosen += rng.sample([r for r in by_source[source] if r[1] == label], n // 2)
        else:
            chosen += rng.sample(by_source[source], min(n, len(by_source[source])))
    harmless = [row for row in chosen if not row[1]]
    made: Rows = []
    for row in rng.sample(chosen, len(chosen) // 20):
        parts = [row, *rng.sample(harmless, rng.randint(1, 3))]
        rng.shuffle(parts)
        made.append((" ".join(p[0] for p in parts), max(p[1] for p in parts), "long"))
    chosen += made
    rng.shuffle(chosen)
    return chosen


def fit(model: Classifier, rows: Rows, epochs: int) -> None:
    """Train the upper half, batches of 32 texts of like length."""
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    bert = model.model.bert
    half = len(bert.encoder.layer) // 2
    for part in (bert.embeddings, *bert.encoder.layer[:half]):
        part.requires_grad_(requires_grad=False)
    taught = [p for p in model.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(taught, lr=RATE, weight_decay=0.02)
    batches = []
    for _ in range(epochs):
        part = epoch_rows(rows, rng)
        ids = [e.ids[:96] for e in model.tokenizer.encode_batch([t for t, _, _ in part])]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]) + 4 * rng.random())
        mine = [order[i : i + 32] for i in range(0, len(order), 32)]
        rng.shuffle(mine)
        batches += [([ids[i] for i in b], torch.tensor([part[i][1] for i in b])) for b in mine]
    total, start, run = len(batches), time.perf_counter(), 0.0
    slope = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / 50, (total - k) / total)
    )
    model.model.train()
    for k, (ids, targets) in enumerate(batches):
        targets = 0.02 + 0.96 * targets
        loss = binary_cross_entropy_with_logits(model.forward(ids), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        slope.step()
        run = 0.98 * run + 0.02 * loss.item()
        if k % 50 == 49:
            print(f"{k + 1}/{total} {time.perf_counter() - start:.0f} s {run:.3f}", flush=True)


def main() -> None:
    """Train, write weights and logits."""
    source, first, out = map(Path, sys.argv[1:4])
    epochs = int(sys.argv[4]) if sys.argv[4:] else 2
    rows = [(spelled(t), y, s) for t, y, s in rows_of(source / "train.jsonl.gz", None)]
    model = classifier(first)
    fit(model, rows, epochs)
    write(out / "refined.safetensors", model.model, model.words)
    model = classifier(out / "refined.safetensors")
    for part in ("validation", "tests"):
        texts = [spelled(t) for t, _, _ in rows_of(source / f"{part}.jsonl.gz", None)]
        path = out / f"{part}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known["refined"] = [round(v, 4) for v in model.logits(texts).tolist()]
        path.write_text(json.dumps(known))
        print(part, flush=True)


if __name__ == "__main__":
    main()
