"""A study tuned in English and asked in Spanish, too: one section apart, all else as without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mores.measure.stance import stance
from mores.measure.toxicity import toxicity
from mores.report import report
from mores.sample import sample
from mores.study import Study, load_study
from mores.tune import tune

SPANISH = Path(__file__).parents[2] / "examples" / "es-escucha"
CATEGORY = {"crisis": "care", "violencia": "beauty"}


def with_spanish(folder: Path, name: str, most: int) -> None:
    """Add some of the Spanish study's test questions, in their language."""
    rows = [json.loads(line) for line in (SPANISH / name).read_text("utf-8").splitlines()]
    test = [row for row in rows if row["split"] == "test"]
    with (folder / name).open("a", encoding="utf-8") as file:
        for row in [row for c in CATEGORY for row in test if row["category"] == c][:most]:
            changed = {"id": f"es-{row['id']}", "category": CATEGORY[row["category"]]}
            own = {"presets": ["all"]} if "presets" in row else {}
            file.write(json.dumps(row | changed | own | {"language": "es"}) + "\n")


def measured(folder: Path) -> Study:
    study = load_study(folder)
    tune(study)
    sample(study)
    stance(study)
    toxicity(study)
    return study


def test_other_languages_stand_apart(tiny_study):
    before = report(measured(tiny_study)).report
    assert before.languages == ()
    assert "Effect by language" not in report(load_study(tiny_study)).page.read_text("utf-8")
    with_spanish(tiny_study, "stance.jsonl", 10)
    with_spanish(tiny_study, "prompts.jsonl", 12)
    study = measured(tiny_study)
    written = report(study)
    after = written.report
    # What was measured in English has not moved.
    for measure in ("stance", "toxicity:lexical"):
        first, second = ([e for e in r.estimates if e.measure == measure] for r in (before, after))
        assert [(e.contrast, e.category, e.n, e.verdict) for e in first] == [
            (e.contrast, e.category, e.n, e.verdict) for e in second
        ]
        # Other rows share a pass through the model, which moves the last digits.
        assert [e.value for e in first] == pytest.approx([e.value for e in second], abs=1e-4)
    assert [a.scored for a in before.stance[0].arms] == [a.scored for a in after.stance[0].arms]
    found = {(e.measure, e.language): e for e in after.languages}
    assert list(found) == [
        ("toxicity:lexical", "en"),
        ("toxicity:lexical", "es"),
        ("stance", "en"),
        ("stance", "es"),
    ]
    english = next(
        e
        for e in after.estimates
        if (e.measure, e.contrast, e.category) == ("stance", "values_targeted - control", "overall")
    )
    assert found["stance", "en"].control.value == english.value
    assert (found["stance", "en"].units, found["stance", "es"].units) == (6, 10)
    assert found["stance", "es"].control.value is not None
    assert found["stance", "es"].control.verdict == "descriptive"
    # The scorer knows English only: absent, not zero.
    spanish = found["toxicity:lexical", "es"]
    assert (spanish.units, spanish.control.value) == (12, None)
    assert spanish.control.reason.startswith("0 prompts in this language")
    page = written.page.read_text("utf-8")
    assert "Effect by language" in page
    assert '<h3 lang="es" dir="auto">' in page
