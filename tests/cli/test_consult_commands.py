"""`mores consult ...` as a user types it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mores import cli

Run = Callable[..., tuple[int, str, str]]
COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1,d,0,0,6,0,1,"We all\x1b[31m agree"
2,d,1,1,0,6,1,"Nobody does"
"""


@pytest.fixture(autouse=True)
def as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click keeps a group's help option once it was made; other tests make it otherwise."""
    for group in (cli.mores, cli.consultation):
        monkeypatch.setattr(group, "_help_option", None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `mores consult ...` here; return exit code, output, errors."""

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mores", "consult", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@pytest.fixture
def export(tmp_path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "comments.csv").write_text(COMMENTS)
    rows = "".join(f"{i},0,0,2,1,1,1,-1\n" for i in range(6))
    head = "participant,group-id,n-comments,n-votes,n-agree,n-disagree,0,1\n"
    (folder / "participants-votes.csv").write_text(head + rows)
    return folder


def test_help_lists_the_commands(run):
    code, out, _ = run("--help")
    assert code == 0
    for name, (_, _, short) in cli.CONSULTATION.items():
        assert f"  {name:<7} {short}" in out


def test_start_then_nobody_has_answered(run, tiny_study):
    assert "nobody is asked in this study yet" in run("show", tiny_study)[2]
    code, out, _ = run("start", tiny_study)
    assert code == 0
    assert out.splitlines()[-1] == f"next:  mores check {tiny_study}"
    assert run("start", tiny_study)[0] == 2
    code, out, _ = run("show", tiny_study)
    assert code == 0
    assert out == "What should tiny hold?\nNobody has answered yet.\n"


def test_import_and_show(run, tiny_study, export):
    run("start", tiny_study)
    code, out, _ = run("import", tiny_study, export)
    assert code == 0
    assert f"6 participants with 12 votes written to {tiny_study / 'consult'}" in out
    assert "(2 accepted, 0 pending, 0 rejected)" in out
    code, out, _ = run("show", tiny_study)
    lines = out.splitlines()
    assert "6 people gave 12 votes (6 in votes collected elsewhere)." in lines
    row = next(line for line in lines if line.startswith("We all"))
    assert row.endswith("     6      6      0      0   100 % (54 to 100)")
    assert "\x1b" not in out
    assert "nobody answered about: Care, Beauty" in lines
    assert "opinion groups: too few" in lines


def test_polis_by_itself_and_as_json(run, export):
    code, out, _ = run("polis", export)
    assert code == 0
    assert "Nobody does" in out
    code, out, _ = run("polis", export, "--json")
    document = json.loads(out)
    assert document["schema"] == "mores/consult-polis/1"
    assert document["result"]["statements"][1]["total"]["disagree"] == 6
    code, _, err = run("polis", export / "nowhere")
    assert code == 2
    assert "comments.csv" in err


def test_what_is_shown_of_groups(run, tiny_study):
    import numpy as np

    sys.path.insert(0, str(Path(__file__).parents[1] / "consult"))
    from people import answers

    from mores import load_study
    from mores.consult import need_consultation, write_answers

    run("start", tiny_study)
    path = tiny_study / "consult.toml"
    question = """
[[questions]]
id = "role"
text = "What is your part?"
options = ["nurse", "lawyer"]
target = { nurse = 0.7, lawyer = 0.3 }
invited = { nurse = 50 }
"""
    path.write_text(path.read_text() + question)
    study = load_study(tiny_study)
    table = np.array([[1.0, 1.0]] * 12 + [[1.0, -1.0]] * 12)
    declared = {i: {"role": "nurse" if i < 12 else "lawyer"} for i in range(24)}
    write_answers(study, answers(need_consultation(study), table, declared))
    out = run("show", tiny_study)[1]
    assert "nurse                    12 answered, 50 invited, target 0.7 of those who say" in out
    assert ", 5 missing" in out  # 0.7 × 24 = 16.8: 17 people, 12 came
    assert "supported in every group (1 of 2)" in out
    assert "divides groups (1 of 2 differences are shown)" in out
    assert "nurse +100 points against lawyer, adjusted p < .001" in out
