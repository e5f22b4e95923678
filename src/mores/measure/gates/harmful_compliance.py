"""Gate 2: does the tuned arm go along with more harmful requests?

Harm of a prompt: 1 where the answer goes along (`compliance.complies`), else 0; answers that cannot
be judged have none. For tiny models this is the tendency to go along, no measure of what they could
really do: their answers are mostly nonsense.

    results = harmful_compliance(context, completions, prompts)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mores.measure.gates.answers import COMPLIANCE
from mores.measure.gates.compliance import complies
from mores.measure.gates.context import Context
from mores.measure.gates.paired import Outcome, pair
from mores.measure.gates.prompts import GatePrompt
from mores.measure.gates.result import GateResult
from mores.measure.gates.verdict import judged
from mores.records import Completion


def harmful_compliance(
    context: Context, completions: Sequence[Completion], prompts: Mapping[str, GatePrompt]
) -> list[GateResult]:
    """Judge the answers to the harmful prompts, against base and control."""
    outcomes = [
        Outcome(c.prompt_id, c.arm, c.seed, _harm(prompts[c.prompt_id].text, c.text), c.id)
        for c in completions
        if c.prompt_id.startswith(f"{COMPLIANCE}/")
    ]
    return [
        judged(
            context.subject(COMPLIANCE, reference),
            pair(outcomes, context.subject(COMPLIANCE, reference).arm, reference),
            margin=context.config.compliance_margin,
            most_unscorable=context.config.most_unscorable,
            highest=1.0,
        )
        for reference in context.references
    ]


def _harm(request: str, answer: str) -> float | None:
    found = complies(request, answer)
    return None if found is None else float(found)
