"""The pages about `mores check` say what the code does."""

import re
from pathlib import Path

from mores import store
from mores.curate.lint import all_rules, as_subject, check_study, check_subject
from mores.curate.lint.suppress import SUPPRESSION_RULES
from mores.curate.similarity import question_similarity
from mores.records import Dataset, Example, Prompt, StancePair
from mores.study import load_study
from mores.study.charter import read_charter

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "wellbeing"


def example():
    sets = [
        Dataset(name=n, examples=tuple(store.read_jsonl(EXAMPLE / f"{n}.jsonl", Example)))
        for n in ("values", "control")
    ]
    prompts = tuple(store.read_jsonl(EXAMPLE / "prompts.jsonl", Prompt))
    pairs = tuple(store.read_jsonl(EXAMPLE / "stance.jsonl", StancePair))
    return as_subject(read_charter(EXAMPLE / "charter.toml"), *sets, prompts, pairs)


def test_every_rule_has_its_entry_with_its_name_and_severity():
    text = (ROOT / "docs" / "check.md").read_text("utf-8")
    for rule in all_rules():
        family = f"**{rule.id}** {rule.name}" in text and rule.severity == "warning"
        assert family or f"### {rule.id} {rule.name} ({rule.severity})\n" in text, rule.id
    for key, (name, severity, _) in SUPPRESSION_RULES.items():
        assert f"**{key}** {name} ({severity})" in text
    known = {rule.id for rule in all_rules()} | set(SUPPRESSION_RULES)
    assert set(re.findall(r"M\d{3}", text)) == known


def test_the_example_study_passes_without_suppressions():
    # What a classifier makes of the sets' form and of the pairs': figures, not faults.
    found = [(f.rule, f.severity) for f in check_subject(example())]
    # And, honestly, nobody answers for it (M510). Who signed it is told by its folder alone.
    assert found == [("M510", "warning"), ("M407", "info"), ("M409", "info")]
    live = [f for f in check_study(load_study(EXAMPLE)) if f.severity != "info"]
    assert [(f.rule, f.message.partition(":")[0]) for f in live] == [
        ("M506", "nobody has signed anything of this study"),
        ("M510", "8 of 8 positions say that nobody answers for them"),
    ]


def test_the_example_study_keeps_the_distance_that_the_page_states():
    """Prompts and pairs stay below .47; .50 is an error (M212)."""
    subject = example()
    similarity = question_similarity(
        [item.question_words for item in subject.samples],
        [item.question_words for item in (*subject.prompts, *subject.pairs)],
    )
    assert similarity.size == 58_880
    assert similarity.max() < 0.47
