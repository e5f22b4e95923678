"""Which rules there are, and how others are added."""

import re
from importlib.metadata import EntryPoint

import pytest

from mores.curate.lint import Rule, all_rules, check_subject, found, registry
from mores.curate.lint.registry import choose
from mores.curate.lint.rule import summary
from mores.errors import StudyError


class Shouting:
    """Answers are not written in capitals."""

    id, name, severity = "ACME001", "shouting", "warning"

    def find(self, subject):
        return [found(self, i, "in capitals") for i in subject.samples if i.answer.isupper()]


class Taken(Shouting):
    id = "M101"


class NoRule:
    id = "ACME002"


class BadId(Shouting):
    id = "acme 1"


def install(monkeypatch, target: str) -> None:
    entry = EntryPoint("acme", f"{__name__}:{target}", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])


def test_built_in_rules_are_distinct_sorted_and_described():
    rules = all_rules()
    ids = [rule.id for rule in rules]
    assert ids == sorted(set(ids))
    assert len({rule.name for rule in rules}) == len(rules) == 33
    assert len({summary(rule) for rule in rules}) == 33
    assert {"M408", "M409", "M505"} <= set(ids)
    (commas,) = choose(["punctuation-match"])
    assert commas.id == "M404"
    assert summary(commas) == "Control answers are punctuated like values answers."
    for rule in rules:
        assert isinstance(rule, Rule)
        assert re.fullmatch(r"M[1-5]\d\d", rule.id)
        assert rule.severity in ("error", "warning", "info")
        assert summary(rule).endswith(".")


def test_a_package_adds_a_rule(monkeypatch, draft):
    install(monkeypatch, "Shouting")
    draft.values[2]["completion"] = draft.values[2]["completion"].upper()
    findings = check_subject(draft.subject(), rules=["shouting"])
    assert [(f.rule, f.line) for f in findings] == [("ACME001", 3)]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Taken", "M101 is already taken by 'answer-length'"),
        ("NoRule", "expected a rule with an id"),
        ("BadId", "expected a rule with an id"),
        ("Missing", "cannot be loaded"),
    ],
)
def test_a_package_whose_rule_does_not_work(monkeypatch, target, message):
    install(monkeypatch, target)
    with pytest.raises(StudyError, match=message) as caught:
        all_rules()
    assert f"{__name__}:{target}" in str(caught.value)


def test_rules_are_chosen_by_id_or_name():
    assert [r.id for r in choose(["near-duplicate", "M101"])] == ["M101", "M202"]
    with pytest.raises(StudyError, match="did you mean 'answer-length'"):
        choose(["answer-lenght"])
