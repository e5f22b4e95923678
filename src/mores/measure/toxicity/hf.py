"""Any sequence classifier of transformers as a scorer: ``hf:<model>`` or ``hf:<model>#<label>``.

Takes texts, gives the probability of one label (or of any of several). A text longer
than the model reads is cut into overlapping windows, and the highest value counts, or
on request the mean weighted by tokens: nothing is truncated silently. Weights come from
safetensors only, no code of a model runs.

    scores = HfScorer("folder", attributes=["toxic"]).score(["You are an idiot."])
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mores import store
from mores.errors import ModelError
from mores.measure.toxicity.hf_folder import classifier_folder
from mores.measure.toxicity.hf_labels import choose_outputs, together
from mores.measure.toxicity.scorer import EMPTY, Scored

BATCH = 16
"""Windows in one forward pass."""
OVERLAP = 0.25
"""Share of a window that the next one repeats, so that no phrase is only ever cut."""
LONGEST = 2048
"""Most tokens in a window, also where a model could read more: attention grows with the square."""
OFFSET_POSITIONS = ("roberta", "camembert", "longformer", "mpnet", "xmod", "ibert", "data2vec")
"""Families whose first two positions are reserved, so that the model reads two tokens fewer."""


class HfScorer:
    """A classifier's probability of one label."""

    def __init__(
        self,
        model: str,
        *,
        attributes: Sequence[str] = (),
        long_texts: Literal["max", "mean"] = "max",
        say: store.Say | None = None,
    ) -> None:
        """Load a classifier.

        Args:
            model: a local folder or a Hub id.
            attributes: labels that count, several together (see `hf_labels.together`); the one
                that is called toxic (see `hf_labels`) if none.
            long_texts: what a text in several windows gets: their highest value, or their
                mean, in which each token counts once.
            say: where to announce a download.

        Raises:
            ModelError: not found, no safetensors, not a classifier, or it needs own code.
            MeasureError: the label to score is unknown or not clear.
        """
        import torch

        found = classifier_folder(model, say=say)
        self._tokenizer, self._model = _load(found.folder, found.name)
        config = self._model.config
        chosen = choose_outputs(
            [str(config.id2label[i]) for i in range(config.num_labels)],
            problem_type=config.problem_type,
            wanted=attributes,
            where=found.name,
        )
        self.long_texts = long_texts
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.to(self._device)
        self._pad: int | None = config.pad_token_id
        # Without a padding token, classifiers made of decoders take one row at a time.
        self._batch_size = BATCH if self._pad is not None else 1
        self.window = _window(self._tokenizer, config)
        self._columns = list(chosen.columns)
        names = [str(config.id2label[i]) for i in self._columns]
        self.softmax = chosen.softmax
        self.name = f"hf:{found.name}#{'+'.join(names)}"
        self.version = found.revision + ("" if long_texts == "max" else ", mean of windows")
        self.digest = found.digest()
        self.attribute = " or ".join(names).lower()
        how = "highest window" if long_texts == "max" else "mean of windows, weighted by tokens"
        self.note = (
            f"{'softmax' if self.softmax else 'sigmoid'} output {' or '.join(map(repr, names))} of "
            f"a classifier (texts longer than it reads: {how}); what it was trained on is what it "
            "knows, and it has to be validated on texts like these"
        )

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return the probability of the label for each text, over its windows.

        None, "empty text": no visible character. None, "no token": the tokenizer knows
        nothing in it.
        """
        windows, owners, fresh = self._windows(texts)
        by_text: dict[int, list[tuple[float, int]]] = {}
        for owner, value, tokens in zip(owners, self._values(windows), fresh, strict=True):
            by_text.setdefault(owner, []).append((value, tokens))
        return [
            (self._whole(by_text[i]), "")
            if i in by_text
            else (None, "no token" if text.strip() else EMPTY)
            for i, text in enumerate(texts)
        ]

    def _whole(self, windows: list[tuple[float, int]]) -> float:
        """Return a text's value from (value, tokens not seen in the window before)."""
        if self.long_texts == "max":
            return max(value for value, _ in windows)
        return sum(value * n for value, n in windows) / sum(n for _, n in windows)

    def _windows(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int], list[int]]:
        """Return windows of token ids (special tokens included), their texts, their new tokens."""
        windows: list[list[int]] = []
        owners: list[int] = []
        fresh: list[int] = []
        overlap = int(OVERLAP * self.window)
        for number, text in enumerate(texts):
            if not text.strip():
                continue
            encoded = self._tokenizer(
                text,
                truncation=True,
                max_length=self.window,
                stride=overlap,
                return_overflowing_tokens=True,
                return_special_tokens_mask=True,
            )
            for ids, special in zip(
                encoded["input_ids"], encoded["special_tokens_mask"], strict=True
            ):
                if not all(special):
                    first = not owners or owners[-1] != number
                    fresh.append(special.count(0) - (0 if first else overlap))
                    windows.append(ids)
                    owners.append(number)
        return windows, owners, fresh

    def _values(self, windows: list[list[int]]) -> list[float]:
        """Return the probability for each window, computed in batches of like length."""
        import torch

        order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        values = [0.0] * len(windows)
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            ids, mask = _padded([windows[i] for i in batch], self._pad or 0)
            with torch.inference_mode():
                logits = self._model(
                    input_ids=torch.tensor(ids, device=self._device),
                    attention_mask=torch.tensor(mask, device=self._device),
                ).logits.double()
            shares = logits.softmax(-1) if self.softmax else logits.sigmoid()
            chosen = shares[:, self._columns].tolist()
            for i, row in zip(batch, chosen, strict=True):
                values[i] = together(row, softmax=self.softmax)
        return values


def _padded(rows: list[list[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    width = max(len(row) for row in rows)
    ids = [row + [pad] * (width - len(row)) for row in rows]
    return ids, [[1] * len(row) + [0] * (width - len(row)) for row in rows]


def _load(folder: Path, name: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from mores.weights.quiet import quiet

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **local
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        detail = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(f"cannot be loaded as a classifier: {detail}", path=name) from None
    if not tokenizer.is_fast:
        raise ModelError("its tokenizer has no fast form (tokenizer.json)", path=name)
    # transformers would fill what is missing with random numbers, and score with them.
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise ModelError(
            f"the weights lack {missing}: not a trained classifier",
            path=name,
            fix="give a model that was trained for sequence classification",
        )
    return tokenizer, model.eval()


def _window(tokenizer: Any, config: Any) -> int:
    """Return the most tokens that the model reads at once."""
    positions = getattr(config, "max_position_embeddings", None) or LONGEST
    if any(family in config.model_type for family in OFFSET_POSITIONS):
        positions -= 2
    # A tokenizer without a limit names an astronomical one.
    return min(LONGEST, int(positions), int(tokenizer.model_max_length))
