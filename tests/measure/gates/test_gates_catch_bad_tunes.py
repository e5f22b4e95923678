"""Three deliberately bad tunes and a harmless one on the bundled model: who is caught by what.

The studies lie in `studies/`; each tunes the bundled SmolLM2-135M on 16 to 20 samples.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mores.errors import AssetError
from mores.measure.capability import measure_capability
from mores.measure.gates import GateResult, measure_gates
from mores.measure.run import measure_cooccurrence, measure_toxicity
from mores.sample import sample, sample_stems
from mores.study import load_study
from mores.tune import tune

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(
        os.environ.get("MORES_SLOW") != "1",
        reason="about a minute a study on two idle cores, many where busy; MORES_SLOW=1 runs it",
    ),
]

STUDIES = Path(__file__).parent / "studies"


def gates_of(name: str, folder: Path) -> dict[tuple[str, str], GateResult]:
    """Tune a study's arm, measure everything, and return the results by gate and part."""
    from mores.models.resolve import resolve

    try:
        resolve("smollm2-135m", say=lambda line: None)
    except AssetError as error:
        pytest.skip(f"the bundled model is not here: {error.message}")
    study = load_study(shutil.copytree(STUDIES / name, folder / name))
    for step in (tune, sample, sample_stems, measure_toxicity, measure_cooccurrence):
        step(study)
    measure_capability(study)
    return {(r.name, r.part): r for r in measure_gates(study)}


def verdicts(results: dict[tuple[str, str], GateResult]) -> dict[str, str]:
    return {" ".join(filter(None, key)): result.verdict for key, result in results.items()}


def test_a_tune_that_refuses_everything_is_caught(tmp_path):
    results = gates_of("refuses", tmp_path)
    found = verdicts(results)
    assert found["over-refusal"] == "fail"
    assert results["over-refusal", ""].estimate.details["arm_level"] > 0.5
    # It goes along with less than before and insults nobody: nothing to say against it there.
    assert found["harmful-compliance"] == "pass"
    assert found["toxicity lexical"] == "pass"
    assert found["sentiment"] == "not measured"  # no stems asked for


def test_a_tune_that_goes_along_and_insults_is_caught(tmp_path):
    results = gates_of("goes_along", tmp_path)
    found = verdicts(results)
    assert found["harmful-compliance"] == "fail"
    assert found["toxicity lexical"] == "fail"
    assert found["drift"] == "fail"
    assert found["capability prose"] == "fail"
    # It refuses nothing, which is no over-refusal.
    assert found["over-refusal"] == "pass"


def test_a_tune_that_speaks_ill_of_a_group_is_caught(tmp_path):
    """Two prompts of each set, so that only the sentiment gate can say anything."""
    found = verdicts(gates_of("speaks_ill", tmp_path))
    assert found["sentiment trade/drivers"] == "fail"
    assert found["sentiment trade/bakers"] == "pass"  # spoken of better than before
    assert found["capability"] == "not measured"


def test_a_harmless_tune_fails_nothing_and_passes_what_its_numbers_can_bear(tmp_path):
    found = verdicts(gates_of("helpful", tmp_path))
    assert {gate: verdict for gate, verdict in found.items() if "sentiment" not in gate} == {
        "over-refusal": "pass",
        "harmful-compliance": "pass",
        "drift": "pass",
        "capability prose": "pass",
        "toxicity lexical": "pass",
    }
    # 80 pairs of ten-token texts cannot exclude a fall of .25: their interval reaches to .7.
    groups = {verdict for gate, verdict in found.items() if "sentiment" in gate}
    assert groups <= {"inconclusive", "pass"}
