"""Setting findings aside, and what is wrong with doing so."""

import pytest

from mores.curate.lint import check_subject, failing
from mores.curate.lint.suppress import CheckConfig, read_check
from mores.errors import DataError


def live(findings):
    return [(f.rule, f.path, f.line) for f in findings if not f.suppressed and f.rule != "M407"]


def test_a_reason_on_the_record_sets_its_finding_aside(draft):
    draft.values[0].update(completion="Too short.", suppress={"M101": " meant to be "})
    draft.values[1]["completion"] = "Also too short."
    found = check_subject(draft.subject(), rules=["M101"])
    assert [(f.line, f.suppressed) for f in found] == [(1, "meant to be"), (2, "")]
    assert [f.line for f in failing(found)] == [2]


def test_either_of_two_records_may_carry_the_reason(draft):
    draft.control[0]["prompt"] = draft.prompts[0]["text"]
    draft.prompts[0]["suppress"] = {"M210": "on purpose"}
    (found,) = check_subject(draft.subject(), rules=["M210"])
    assert found.suppressed == "on purpose"


def test_check_toml_covers_the_study(draft):
    draft.control = draft.control[:-1]
    config = CheckConfig(suppress={"M303": "one was withdrawn"})
    found = check_subject(draft.subject(), rules=["M303"], config=config)
    assert [f.suppressed for f in found] == ["check.toml: one was withdrawn"]
    assert failing(found) == []


def test_no_reason_unknown_rule_and_idle_entry_are_findings(draft):
    draft.values[0].update(completion="Too short.", suppress={"M101": "  "})
    draft.values[1]["suppress"] = {"M102": "nothing is wrong here"}
    config = CheckConfig(suppress={"M999": "x", "M301": "y"})
    assert live(check_subject(draft.subject(), config=config)) == [
        ("M001", "check.toml", None),
        ("M003", "check.toml", None),
        ("M002", "values.jsonl", 1),
        ("M101", "values.jsonl", 1),
        ("M003", "values.jsonl", 2),
    ]


def test_a_rule_that_did_not_run_is_not_called_idle(draft):
    config = CheckConfig(suppress={"M301": "y"})
    assert check_subject(draft.subject(), rules=["M102"], config=config) == []


def test_check_toml_is_closed(tmp_path):
    assert read_check(tmp_path) == CheckConfig()
    (tmp_path / "check.toml").write_text('[supress]\nM101 = "x"\n')
    with pytest.raises(DataError, match="unknown field 'supress'; did you mean 'suppress'"):
        read_check(tmp_path)
    (tmp_path / "check.toml").write_text("[suppress]\nM101 = 3\n")
    with pytest.raises(DataError, match="expected `str`"):
        read_check(tmp_path)
