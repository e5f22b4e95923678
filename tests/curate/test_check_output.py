"""Findings as text, JSON and SARIF."""

import json

import msgspec

from mores.curate import as_json, as_sarif, as_text
from mores.curate.lint import all_rules
from mores.records import Finding

SHORT = Finding(
    rule="M101",
    name="answer-length",
    severity="error",
    message="expected 40 to 340 words, found 25",
    fix="add 15",
    path="values.jsonl",
    line=12,
    ids=("v-12",),
    value=25.0,
)
BALANCE = Finding(
    rule="M302", name="balance", severity="warning", message='"\x1b[31m"', path="prompts.jsonl"
)
SET_ASIDE = msgspec.structs.replace(SHORT, line=3, suppressed="meant")
BY_FILE = msgspec.structs.replace(BALANCE, suppressed="check.toml: known")
INFO = Finding(rule="X001", name="other", severity="info", message="note", path="a b.jsonl", line=1)


def test_text_is_one_line_each_errors_first_and_counted():
    assert as_text([INFO, BALANCE, SET_ASIDE, SHORT]) == (
        "values.jsonl:12 M101 error answer-length: "
        "expected 40 to 340 words, found 25 | fix: add 15\n"
        'prompts.jsonl M302 warning balance: "\\x1b[31m"\n'
        "a b.jsonl:1 X001 info other: note\n"
        "1 error, 1 warning, 1 info, 1 suppressed\n"
    )
    assert as_text([]) == "0 errors\n"


def test_text_counts_the_rest_of_many_alike():
    many = [msgspec.structs.replace(SHORT, line=n, fix="") for n in range(1, 14)]
    lines = as_text(many).splitlines()
    assert len(lines) == 12
    assert lines[10] == "values.jsonl M101 error answer-length: and 3 more like this"
    assert lines[11] == "13 errors"
    assert len(as_text(many, many=0).splitlines()) == 14


def test_json_holds_every_field():
    rows = json.loads(as_json([SHORT, BY_FILE]))
    assert [msgspec.convert(row, Finding) for row in rows] == [SHORT, BY_FILE]


def test_sarif_results():
    log = json.loads(as_sarif([SHORT, SET_ASIDE, BY_FILE, INFO], folder="/studies/my one/"))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    short, aside, by_file, info = log["runs"][0]["results"]
    assert short == {
        "ruleId": "M101",
        "level": "error",
        "message": {"text": "expected 40 to 340 words, found 25. Fix: add 15"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "studies/my%20one/values.jsonl"},
                    "region": {"startLine": 12},
                }
            }
        ],
        "properties": {"ids": ["v-12"], "value": 25.0},
        "ruleIndex": short["ruleIndex"],
    }
    assert aside["suppressions"] == [{"kind": "inSource", "justification": "meant"}]
    assert by_file["suppressions"] == [{"kind": "external", "justification": "check.toml: known"}]
    assert by_file["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert info["level"] == "note"
    assert "ruleIndex" not in info


def test_sarif_rules_are_those_that_exist_and_the_index_points_at_them():
    log = json.loads(as_sarif([SHORT]))
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["name"] == "mores"
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == ["M001", "M002", "M003", *(rule.id for rule in all_rules())]
    assert ids[log["runs"][0]["results"][0]["ruleIndex"]] == "M101"
    for rule in driver["rules"]:
        assert set(rule) == {"id", "name", "shortDescription", "defaultConfiguration"}
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
