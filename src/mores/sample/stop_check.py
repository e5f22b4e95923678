"""Do answers end by themselves? A quick look after training, on validation prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mores.records import Decoding
from mores.sample.requests import Request
from mores.study import Study

if TYPE_CHECKING:
    from mores.tune import TunedArm


def stop_share(study: Study, arm: TunedArm, prompts: int) -> tuple[int, int]:
    """Let one tuned arm answer validation prompts, most likely token first.

    Args:
        study: gives prompts and the length limit.
        arm: a tuned arm.
        prompts: how many to ask at most.

    Returns:
        How many answers ended by themselves, and how many were asked: none where the arm's weights
        are elsewhere, for answers there cost money.
    """
    from mores.sample.decoder import Decoder
    from mores.sample.weights import weights_in_place
    from mores.weights.load import load
    from mores.weights.prompt import encode_prompt
    from mores.weights.resolve import resolve

    spec = next(s for s in study.config.models if s.name == arm.ref.model)
    if not spec.here:
        return 0, 0
    loaded = load(resolve(spec.name))
    chosen = [p for p in study.prompts if p.split == "validation"][:prompts]
    rows = [
        Request(
            arm.key,
            p.id,
            p.category,
            0,
            tuple(encode_prompt(loaded.tokenizer, spec.format, p.text)),
            "\nQuestion:" if spec.format == "qa" else "",
        )
        for p in chosen
    ]
    decoding = Decoding(temperature=0.0, max_new_tokens=study.config.sample.decoding.max_new_tokens)
    with weights_in_place(loaded, {arm.key.name: arm.folder}, {arm.key.weights}):
        drawn = Decoder(loaded).draw(rows, decoding, study.config.seed) if rows else []
    return sum(d.finish_reason == "stop" for d in drawn), len(drawn)
