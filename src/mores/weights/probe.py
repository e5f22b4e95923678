"""Does a model give the same numbers the way we run it as the way transformers runs it?

Asked once, when it is loaded, with short texts: several side by side, a prefix with branches, and
decoding step by step after a prefill, each against the same text alone in one plain pass. What
passes runs through `attention` (texts in one flat row). What does not is run `plain`ly, in the
widest form that passes.

    examine(loaded)
    loaded.way   # Way(flat=True)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch

from mores.errors import ModelError
from mores.weights import attention, plain
from mores.weights.attention import Layout, Tree
from mores.weights.cascade import KeyValueStore
from mores.weights.head import Head
from mores.weights.product import quicken
from mores.weights.quiet import quiet
from mores.weights.way import Way

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

ROUNDING = 5e-2
"""Largest gap, relative to the largest logit, that 16-bit and quantised layers are allowed."""
BY_LENGTH = "its rotary embedding changes with the length of a text"
STEPS = 3
"""Tokens that are decoded one by one."""
_SIZES = (24, 15, 7, 9)
"""Tokens of a text alone, of a prefix, and of its branches. First and last text are level."""


def examine(loaded: LoadedModel, plain: str = "") -> None:
    """Find a loaded model's head and the way that it can be run; set both.

    Args:
        loaded: the model.
        plain: why our attention is not to be tried; empty tries it.

    Raises:
        ModelError: its numbers are none, or its first tokens depend on later ones.
    """
    with torch.no_grad(), quiet():
        texts = _texts(loaded)
        own = [_alone(loaded, text) for text in texts]
        _refuse(loaded, texts[1], own[1])
        quicken(loaded.model)  # after that: what follows is held against what transformers gives
        loaded.head = _head(loaded, texts[0], own[0])
        if why := plain or _flat(loaded, texts, own):
            loaded.way = _plain(loaded, texts, own, why)


def probe_ids(tokenizer: Any) -> list[int]:
    """A few token ids for checks."""
    ids: list[int] = tokenizer("The quick brown fox sat down. Why? Because it could.")["input_ids"]
    return ids


def _texts(loaded: LoadedModel) -> list[list[int]]:
    """A text alone, and two that begin alike."""
    some = probe_ids(loaded.tokenizer) or [loaded.eos]
    several = some * (sum(_SIZES) // len(some) + 1)
    alone, prefix, first, second = (
        several[end - size : end] for size, end in zip(_SIZES, accumulate(_SIZES), strict=True)
    )
    return [alone, prefix + first, prefix + second]


def _alone(loaded: LoadedModel, text: Sequence[int]) -> torch.Tensor:
    """Logits of one text as the architecture computes them, shape (tokens, vocabulary)."""
    ids = torch.tensor([list(text)], device=loaded.device)
    logits: torch.Tensor = loaded.model(input_ids=ids, use_cache=False).logits[0]
    return logits


def _refuse(loaded: LoadedModel, text: Sequence[int], own: torch.Tensor) -> None:
    name = type(loaded.model).__name__
    if not torch.isfinite(own).any(dim=-1).all() or torch.isnan(own).any():
        raise ModelError(
            f"{name} gives logits that are not numbers",
            fix="its weights are damaged, or do not suit this precision: set recipe.dtype",
        )
    half = len(text) // 2
    if gap(own[:half], _alone(loaded, text[:half])) > tolerance(loaded, own):
        raise ModelError(
            f"the first tokens of a text depend on later ones in {name}, so it cannot write",
            fix="choose a decoder: a causal language model",
        )


def _head(loaded: LoadedModel, text: Sequence[int], own: torch.Tensor) -> Head:
    decoder = loaded.decoder
    if decoder is loaded.model:
        return Head()
    try:
        ids = torch.tensor([list(text)], device=loaded.device)
        hidden = decoder(input_ids=ids, use_cache=False).last_hidden_state[0]
    except (AttributeError, TypeError):
        return Head()
    return Head.of(loaded.model, hidden, own)


def gap(own: torch.Tensor, ours: torch.Tensor) -> float:
    """Largest difference of logits, relative to the largest logit; infinite where one is NaN."""
    there = torch.isfinite(own)  # some architectures mask entries of their vocabulary
    if not torch.equal(there, torch.isfinite(ours)):
        return float("inf")
    difference = (own[there].float() - ours[there].float()).abs().max()
    return float(difference / own[there].abs().max().clamp_min(1e-30))


def tolerance(loaded: LoadedModel, logits: torch.Tensor) -> float:
    """Largest gap that rounding explains; some quantised layers round by what else is in a pass."""
    exact = logits.dtype == torch.float32 and not loaded.quantised
    return 1e-4 if exact else ROUNDING


# In one flat row -----------------------------------------------------------------------------


def _flat(loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor]) -> str:
    """Switch to our attention and compare; where numbers differ, switch back and say why."""
    before = loaded.model.config._attn_implementation  # noqa: SLF001 - it has no public name
    loaded.way = Way(flat=True)
    try:
        loaded.model.set_attn_implementation(attention.NAME)
        why = _not_flat(loaded, texts, own)
    except ModelError as error:
        why = error.message
    except Exception as error:  # noqa: BLE001 - whatever an architecture does with our attention
        why = f"our attention does not fit it ({error})".splitlines()[0]
    if why:
        loaded.model.set_attn_implementation(before)
    return why


def _by_length(config: Any) -> bool:
    """Whether positions are embedded in another way in texts beyond a length that no probe has."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    kinds = [rope, *(r for r in rope.values() if isinstance(r, dict))]
    return any(kind.get("rope_type") in ("dynamic", "longrope") for kind in kinds)


def _not_flat(loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor]) -> str:
    if _by_length(loaded.model.config.get_text_config()):
        return BY_LENGTH
    most = tolerance(loaded, own[0])
    with attention.watching() as seen:
        alone = loaded.logits(loaded.hidden(torch.tensor(texts[0]), Layout.of([len(texts[0])])))
    if why := seen.complaint(loaded.model.config.get_text_config()):
        return why
    if gap(own[0], alone) > most:
        return "a text gives other numbers through our attention"
    trees = Layout((Tree(_SIZES[0]), Tree(_SIZES[1], _SIZES[2:])))
    flat = [*texts[0], *texts[1], *texts[2][_SIZES[1] :]]
    ours = loaded.logits(loaded.hidden(torch.tensor(flat), trees))
    if gap(torch.cat([*own[:2], own[2][_SIZES[1] :]]), ours) > most:
        return "texts in one row give other numbers than alone"
    if _step_gap(loaded, texts, own) > most:
        return "decoding step by step gives other numbers than one pass"
    return ""


def _step_gap(
    loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor]
) -> float:
    """Prefill all but the last tokens, feed these one by one; the largest gap of their logits."""
    first, second = (size - STEPS for size in _SIZES[2:])
    layout = Layout((Tree(_SIZES[0] - STEPS), Tree(_SIZES[1], (first, second))))
    flat = [*texts[0][:-STEPS], *texts[1][:-STEPS], *texts[2][_SIZES[1] : -STEPS]]
    store = KeyValueStore(3, max(map(len, texts)))
    targets = [(0, (0, -1)), (1, (1, 0)), (2, (1, 1))]
    with attention.using(layout, store=store, targets=targets):
        loaded.forward(torch.tensor(flat), layout.positions())
    store.lengths = torch.tensor([len(text) - STEPS for text in texts])
    worst = 0.0
    for step in range(-STEPS, 0):
        ours = loaded.logits(loaded.step(torch.tensor([text[step] for text in texts]), store))
        worst = max(worst, gap(torch.stack([logits[step] for logits in own]), ours))
    return worst


# As transformers runs it ---------------------------------------------------------------------


def _plain(
    loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor], why: str
) -> Way:
    """The widest plain way whose numbers are right; one text at a time always is."""
    most = min(10 * tolerance(loaded, own[0]), ROUNDING)
    apart = why == BY_LENGTH  # what a row gives depends on the longest row beside it
    padded = not apart and _passes(
        lambda: _read_gap(loaded, texts, own), loaded, Way(padded=True), most
    )
    for steps, rows in (("padded", [0, 1, 2]), ("level", [0, 2]), ("alone", [0])):
        if apart and steps == "padded":
            continue
        way = Way(padded=padded, steps=steps, why=why)  # type: ignore[arg-type]
        some = [texts[i] for i in rows], [own[i] for i in rows]
        if _passes(lambda some=some: _cache_gap(loaded, *some), loaded, way, most):
            return way
    return Way(padded=padded, steps="whole", why=why)


def _passes(measure: Any, loaded: LoadedModel, way: Way, most: float) -> bool:
    loaded.way = way
    try:
        return bool(measure() <= most)
    except Exception:  # noqa: BLE001 - an architecture that cannot do this is run in another way
        return False


def _read_gap(
    loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor]
) -> float:
    shortened = [texts[0], texts[1][:-STEPS], texts[2]]
    layout = Layout.of([len(t) for t in shortened])
    ours = loaded.logits(
        plain.hidden(loaded, torch.tensor([t for text in shortened for t in text]), layout)
    )
    return gap(torch.cat([own[0], own[1][:-STEPS], own[2]]), ours)


def _cache_gap(
    loaded: LoadedModel, texts: Sequence[list[int]], own: Sequence[torch.Tensor]
) -> float:
    """Decode the last tokens with the architecture's own cache; the largest gap of their logits."""
    worst, step = 0.0, -STEPS - 1

    def choose(logits: torch.Tensor) -> tuple[torch.Tensor, bool]:
        nonlocal worst, step
        worst = max(worst, gap(torch.stack([o[step] for o in own]), logits))
        step += 1
        return torch.tensor([text[step] for text in texts]), step < -1

    plain.stepwise(loaded, [text[:-STEPS] for text in texts], choose, STEPS)
    return worst if step == -1 else float("inf")
