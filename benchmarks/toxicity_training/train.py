"""Train the small encoders: three teachers of six layers, then students of four, three and two.

Takes what `data.py` and `trial.py texts` wrote and the folder of all-MiniLM-L6-v2, gives 8-bit
weights, and each model's logits: `validation.json`, and `tests.json`, which nobody opens before
the choice is made. Needs torch and transformers only, so that it runs on a bare GPU machine.

    python train.py ROWS MODEL OUT [--limit N]
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from quantised import read, word_pieces, write
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LAYERS = {6: (0, 1, 2, 3, 4, 5), 4: (0, 2, 3, 5), 3: (0, 2, 5), 2: (0, 5)}
"""Which of the six layers a student begins with."""
COMMON = 8000
"""Of the word list, ordered by frequency, so many entries are kept; and all that the rows use."""
LONGEST = 192
"""Tokens of a text in training."""
TEACHERS = 3


class Plan(NamedTuple):
    """How a model is trained."""

    layers: int
    epochs: int
    rate: float
    own: bool = True
    """With our sentences about groups."""


TEACHER = Plan(6, 3, 6e-5)
STUDENTS = {
    "four": Plan(4, 8, 2e-4),
    "three": Plan(3, 8, 2e-4),
    "two": Plan(2, 8, 2e-4),
}
WITHOUT = Plan(3, 5, 1e-4, own=False)

Rows = list[tuple[str, float, str]]


class Classifier:
    """A model with its tokenizer."""

    def __init__(self, tokenizer: Any, words: list[str], model: Any) -> None:
        self.tokenizer, self.words, self.model = tokenizer, words, model.to(DEVICE)
        tokenizer.enable_truncation(LONGEST, stride=LONGEST // 4)
        tokenizer.no_padding()

    def logits(self, texts: list[str], *, exact: bool = True) -> Tensor:
        """Return a text's logit, its highest over windows if exact, else its beginning's; (n,)."""
        self.model.eval()
        encoded = self.tokenizer.encode_batch(texts)
        ids = [e.ids for e in encoded]
        owners = list(range(len(ids)))
        if exact:
            for i, e in enumerate(encoded):
                ids += [more.ids for more in e.overflowing]
                owners += [i] * len(e.overflowing)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = torch.zeros(len(ids))
        for start in range(0, len(order), 256):
            batch = order[start : start + 256]
            with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=not exact):
                out[batch] = self.forward([ids[i] for i in batch]).float().cpu()
        highest = torch.full((len(texts),), -torch.inf)
        return highest.scatter_reduce(0, torch.tensor(owners), out, "amax")

    def forward(self, ids: list[list[int]]) -> Tensor:
        """Return logits with gradients."""
        width = max(map(len, ids))
        padded = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=DEVICE)
        mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in ids], device=DEVICE)
        logits: Tensor = self.model(input_ids=padded, attention_mask=mask).logits[:, 0]
        return logits


def base(folder: Path, layers: int, keep: list[int] | None, seed: int) -> Classifier:
    """Return an untrained classifier from the first model: its layers and words cut."""
    from safetensors.torch import load_file
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    words = (folder / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")
    weights = {n: w.float() for n, w in load_file(folder / "model.safetensors").items()}
    table = "embeddings.word_embeddings.weight"
    if keep is not None:
        words = [words[i] for i in keep]
        weights[table] = weights[table][keep]
    settings = json.loads((folder / "config.json").read_text())
    for name in ("_name_or_path", "architectures", "transformers_version"):
        settings.pop(name, None)
    settings |= {"num_hidden_layers": layers, "vocab_size": len(words), "num_labels": 1}
    model = BertForSequenceClassification(BertConfig(**settings))
    numbers = {old: new for new, old in enumerate(LAYERS[layers])}
    cut = {}
    for name, weight in weights.items():
        parts = name.split(".")
        if parts[:2] == ["encoder", "layer"]:
            if int(parts[2]) not in numbers:
                continue
            parts[2] = str(numbers[int(parts[2])])
        cut[".".join(parts)] = weight
    cut.pop("embeddings.position_ids", None)
    found = model.bert.load_state_dict(cut, strict=False)
    assert not found.unexpected_keys, found
    assert not found.missing_keys, found
    return Classifier(word_pieces(words), words, model)


def kept_words(folder: Path, rows: Rows) -> list[int]:
    """Return which words students keep: special, characters, common, used in the rows."""
    words = (folder / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")
    counts = [0] * len(words)
    for e in word_pieces(words).encode_batch([text for text, _, _ in rows]):
        for i in e.ids:
            counts[i] += 1
    special = {words.index(f"[{n}]") for n in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    return [
        i
        for i, word in enumerate(words)
        if i in special
        or counts[i] >= 2
        or (not word.startswith("[unused") and i < COMMON and word.isascii())
        or (len(word.removeprefix("##")) == 1 and word.isascii())
    ]


def epoch_rows(rows: Rows, rng: random.Random, *, own: bool) -> Rows:
    """Return what one epoch reads: our sentences thinned, small sets repeated, long texts made.

    A long text is 2 to 8 rows in a line, toxic if one of them is. A fifth of the texts loses its
    last mark, so that it says nothing.
    """
    about = [row for row in rows if row[2].startswith("own")]
    chosen = [row for row in rows if not row[2].startswith("own")]
    chosen += [row for row in rows if row[2] == "hatemoji"]
    if own:
        chosen += rng.sample(about, min(8000, len(about)))
        chosen += [row for row in rows if row[2] == "plain"] * 4
    else:
        chosen = [row for row in chosen if row[2] != "plain"]
    harmless = [row for row in chosen if not row[1]]
    made: Rows = []
    for _ in range(len(chosen) // 7):
        parts = rng.sample(harmless, rng.randint(1, 7))
        parts.insert(rng.randint(0, len(parts)), rng.choice(chosen))
        made.append((" ".join(p[0] for p in parts), max(p[1] for p in parts), "long"))
    bare = [(t.rstrip(".!?") if rng.random() < 0.2 else t, y, s) for t, y, s in chosen + made]
    rng.shuffle(bare)
    return bare


def fit(
    classifier: Classifier, rows: Rows, plan: Plan, seed: int, teachers: list[Classifier]
) -> None:
    """Train with AdamW, a linear rate after 6 % warm-up, batches of 128 texts of like length.

    With teachers the target is .3 of the label and .7 of their mean probability.
    """
    rng = random.Random(seed)
    batches = []
    for _ in range(plan.epochs):
        part = epoch_rows(rows, rng, own=plan.own)
        texts = [text for text, _, _ in part]
        targets = torch.tensor([label for _, label, _ in part])
        if teachers:
            taught = torch.stack([t.logits(texts, exact=False) for t in teachers]).mean(0).sigmoid()
            targets = 0.3 * targets + 0.7 * taught
        ids = [e.ids for e in classifier.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]) + 8 * rng.random())
        mine = [order[i : i + 128] for i in range(0, len(order), 128)]
        rng.shuffle(mine)
        batches += [([ids[i] for i in b], targets[b]) for b in mine]
    model = classifier.model.train()
    slow = [p for p in model.parameters() if p.dim() < 2]
    fast = [p for p in model.parameters() if p.dim() >= 2]
    groups = [{"params": fast, "weight_decay": 0.01}, {"params": slow, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    total, warm = len(batches), max(1, int(0.06 * len(batches)))
    slope = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / warm, (total - k) / max(1, total - warm))
    )
    torch.manual_seed(seed)
    for ids, targets in batches:
        with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
            logits = classifier.forward(ids)
        loss = binary_cross_entropy_with_logits(logits.float(), targets.to(DEVICE))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        slope.step()


def rows_of(path: Path, limit: int | None) -> Rows:
    """Read rows that `data.py` wrote, packed or not; with a limit a random part of them."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    rows = [(r["text"], float(r["toxic"]), r["source"]) for r in found]
    return rows if limit is None else random.Random(1).sample(rows, limit)


def main() -> None:
    """Train everything and write it."""
    source, folder, out = map(Path, sys.argv[1:4])
    limit = int(sys.argv[5]) if sys.argv[4:5] == ["--limit"] else None
    rows = rows_of(source / "train.jsonl.gz", limit)
    names = ("validation", "tests")
    checked = {n: [row[0] for row in rows_of(source / f"{n}.jsonl.gz", limit)] for n in names}
    start = time.perf_counter()
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in names}

    def done(name: str, classifier: Classifier) -> None:
        write(out / f"{name}.safetensors", classifier.model, classifier.words)
        stored = read(out / f"{name}.safetensors")[1]
        again = Classifier(classifier.tokenizer, classifier.words, stored)
        for part, texts in checked.items():
            scores[part][name] = [round(value, 4) for value in again.logits(texts).tolist()]
            (out / f"{part}.json").write_text(json.dumps(scores[part]))
        size = (out / f"{name}.safetensors").stat().st_size / 1e6
        print(f"{name}: {time.perf_counter() - start:.0f} s, {size:.1f} MB", flush=True)

    teachers = []
    for seed in range(TEACHERS):
        teachers.append(base(folder, 6, None, seed))
        fit(teachers[-1], rows, TEACHER, seed, [])
    done("six", teachers[0])
    keep = kept_words(folder, rows)
    print(f"{len(keep)} words kept", flush=True)
    for name, plan in STUDENTS.items():
        student = base(folder, plan.layers, keep, 7)
        fit(student, rows, plan, 7, teachers)
        done(name, student)
    bare = base(folder, WITHOUT.layers, keep, 7)
    fit(bare, rows, WITHOUT, 7, [])
    done("three-without-own", bare)


if __name__ == "__main__":
    main()
