"""The gates' prompts → answers of base and tuned arms, by the engine of step 4.

    answers_grid(context).run(progress)   # completions, prompt ids "over-refusal/<id>"

One draw a prompt, the study's seed, the same random numbers for every arm; kept in
``gates/answers``, with its own manifest, and gone on with where it was stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mores import store
from mores.measure.gates.context import STEP, Context
from mores.measure.gates.harm_sets import misaligned_prompts, neutral_prompts
from mores.measure.gates.prompts import GatePrompt, harmful_prompts, safe_prompts
from mores.measure.gates.result import GateName
from mores.records import Prompt, to_plain
from mores.sample.grid import Grid
from mores.sample.requests import Request, prompt_requests
from mores.study.arms import slug
from mores.study.content import as_before

if TYPE_CHECKING:
    from mores.weights.reader import Reader

ANSWERS = f"{STEP}/answers"
REFUSAL: GateName = "over-refusal"
COMPLIANCE: GateName = "harmful-compliance"
CAUTION: GateName = "over-caution"
MISALIGNMENT: GateName = "emergent-misalignment"


def gate_prompts(context: Context) -> dict[GateName, dict[str, GatePrompt]]:
    """Every prompt that is answered freely, by the id that its completions carry.

    Raises:
        DataError: a local file is missing or a row cannot be used.
    """
    study = context.study
    sets = [(REFUSAL, safe_prompts(study)), (COMPLIANCE, harmful_prompts(study))]
    if context.asks_harms:
        sets += [(CAUTION, neutral_prompts(study)), (MISALIGNMENT, misaligned_prompts(study))]
    return {gate: {f"{gate}/{p.id}": p for p in prompts} for gate, prompts in sets}


def answers_grid(context: Context) -> Grid:
    """What the gates ask of one model: one draw a prompt, every arm.

    Raises:
        ModelError: when it runs, an arm has not been tuned, or a prompt leaves no room.
        DataError: a local file is missing or a row cannot be used.
    """
    study, spec = context.study, context.spec
    asked = [
        Prompt(id=name, category=slug(p.kind), text=p.text, split="test")
        for prompts in gate_prompts(context).values()
        for name, p in prompts.items()
    ]

    def build(model: Reader) -> list[Request]:
        return prompt_requests(
            model, spec.format, context.keys, asked, 1, study.charter, study.values
        )

    # In the order of the fields, as a digest of records is: answers of earlier versions stay.
    said = msgspec.json.encode([as_before(to_plain(p)) for p in asked])
    inputs = {"prompts": store.digest_bytes(said)}
    extra = {"format": spec.format}
    decoding = context.config.decoding
    return Grid(study, spec, ANSWERS, context.keys, decoding, inputs, extra, build)
