"""`--json`: one document on stdout, whatever happens, and each fits its published schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openpyxl import load_workbook

sys.path.insert(0, str(Path(__file__).parents[1] / "rate"))

from app import Clock, consent, join, make_site, make_study, rate_all

from media_files import painter, pictures
from mores import __version__, cli
from mores.cli.as_json import schema
from mores.cli.schema import commands
from mores.rate.blind import read_key

Ask = Callable[..., dict[str, Any]]

ON_A_STUDY = {
    "plan": ("--no-probe",),
    "check": (),
    "tune": ("--stop-check", "2"),
    "sample": (),
    "measure stance": (),
    "measure coherence": (),
    "measure toxicity": (),
    "measure cooccurrence": (),
    "measure capability": (),
    "measure gates": (),
    "report": (),
    "publish": (),
    "run": ("--no-check",),
    "revise": (),
    "dose": ("--no-leave-out", "--sizes", "4"),
}
ON_RATINGS = ("status", "verify", "export", "backup", "release", "forget-rater", "import",
              "unblind", "restore", "serve")  # fmt: skip
ON_FILES = ("sign", "signatures", "unsign", "sheet export", "sheet import")
ON_PEOPLE = ("start", "show", "import", "polis")
ALONE = (
    "complain",
    "complaints",
    "desk",
    "init",
    "import",
    "models",
    "assets",
    "doctor",
    "schema",
    "diff",
    "draft",
    "judge",
)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with --json and return its document, held against its schema."""

    def run(name: str, *words: object, code: int | None = 0) -> dict[str, Any]:
        argv = ["mores", *name.split(), *map(str, words), "--json"]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        document: dict[str, Any] = json.loads(said.out)  # nothing else is there
        module, _, function = dict(commands())[name].partition(":")
        whole = schema(name, getattr(import_module(module), function))
        jsonschema.validate(document, whole, cls=jsonschema.Draft202012Validator)
        assert document["exit_code"] == (ended.value.code or 0), said.err
        assert code is None or document["exit_code"] == code, said.err
        assert document["schema"] == f"mores/{name.replace(' ', '-')}/1"
        assert document["version"] == __version__
        assert (document["error"] is None) == (document["exit_code"] in (0, 1))
        return document

    return run


def test_every_command_is_asked_here():
    asked = {*ON_A_STUDY, *ALONE, *ON_FILES, *(f"rate {name}" for name in ON_RATINGS)}
    asked |= {f"consult {name}" for name in ON_PEOPLE}
    asked |= {"trace", "export", "watch", "outputs import", "pack", "verify", "vary"}
    assert asked == set(dict(commands()))


def test_commands_on_a_study(ask, tiny_study):
    said = {}
    for name, words in ON_A_STUDY.items():
        # Random weights and words: what is found is not the matter here.
        found = name in ("check", "measure gates")
        said[name] = ask(name, tiny_study, *words, code=None if found else 0)
        assert said[name]["error"] is None
        assert said[name]["study"] == "tiny"
    assert said["plan"]["result"]["models"][0]["rates"] is None
    assert [one["asked"] for one in said["tune"]["result"]] == [2, 2]
    assert len(said["measure stance"]["result"]) == 5 * 6
    assert len(said["measure coherence"]["result"]) == 60
    assert [p["name"] for p in said["dose"]["result"]["points"]] == ["4 samples", "8 samples"]
    assert len(said["sample"]["result"]["answers"]) == 60
    answers = said["sample"]["result"]["answers"]
    tuned = next(one["id"] for one in answers if one["arm"] == "values_targeted")
    traced = ask("trace", tiny_study, tuned)["result"]
    assert (traced["completion"], len(traced["samples"])) == (tuned, 8)
    exported = ask("export", tiny_study)["result"]
    assert (exported["arm"], len(exported["check"]["samples"])) == ("values_targeted-s1", 3)
    log = tiny_study / "log.jsonl"
    log.write_text('{"answer": "Talk with them and listen."}\n' * 9, encoding="utf-8")
    watched = ask("watch", tiny_study, log, code=None)
    assert watched["exit_code"] == int(watched["result"]["look"]["out"])
    assert watched["result"]["look"]["rows"] == 9
    report = said["report"]["result"]["report"]
    assert report == said["run"]["result"]["report"]
    packed = ask("pack", tiny_study)["result"]
    checked = ask("verify", packed["path"])["result"]
    assert (checked["differences"], checked["digest"]) == ([], packed["digest"])
    assert ask("vary", tiny_study, "--kinds", "capitals", "--each", "1")["result"]["fresh"] == 4
    estimates = report["estimates"]
    assert estimates
    for one in estimates:
        assert {"verdict", "scope", "value", "reason"} <= set(one)
        assert one["value"] is not None or one["reason"]  # missing is null, with its reason


def test_commands_on_what_people_sign_and_edit(ask, tiny_study, tmp_path):
    ada = ("--as", "Ada", "--role", "clinician", "--checked", "all")
    (line, *_) = ask("sign", tiny_study, "values", *ada)["result"]
    assert line["what"] == "values:v-00"
    assert ask("signatures", tiny_study)["result"]["counts"][1]["signed"] == 8
    (back,) = ask("unsign", tiny_study, line["id"], "--as", "Ada", "--reason", "r")["result"]
    assert back["withdraws"] == line["id"]
    path = tiny_study / "signatures.jsonl"
    path.write_text(path.read_text("utf-8").replace("Ada", "Eve"), encoding="utf-8")
    assert len(ask("signatures", tiny_study, code=1)["result"]["faults"]) == 9
    book = tmp_path / "study.xlsx"
    assert ask("sheet export", tiny_study, book)["result"]["rows"]["stance"] == 8
    path = tiny_study / "values.jsonl"
    opened = load_workbook(book)
    opened["values"]["C2"].value = opened["values"]["C3"].value = "Theirs?"
    opened.save(book)
    path.write_text(path.read_text("utf-8").replace("number 0", "nr 0"), encoding="utf-8")
    (part,) = ask("sheet import", tiny_study, book, code=1)["result"]["parts"]
    assert [c["id"] for c in part["changed"]] == ["v-01"]
    assert [(c["id"], c["field"], c["base"], c["theirs"]) for c in part["conflicts"]] == [
        ("v-00", "prompt", None, "Theirs?")
    ]


def test_commands_on_people(ask, tiny_study, tmp_path):
    export = tmp_path / "export"
    export.mkdir()
    (export / "comments.csv").write_text(
        "comment-id,author-id,agrees,disagrees,moderated,comment-body\n0,0,5,0,1,One\n"
    )
    (export / "participants-votes.csv").write_text(
        "participant,group-id,n-votes,n-agree,n-disagree,0\n"
        + "".join(f"{i},,1,1,0,1\n" for i in range(5))
    )
    assert ask("consult show", tiny_study, code=2)["error"]["fix"]
    assert ask("consult start", tiny_study)["result"] == str(tiny_study / "consult.toml")
    said = ask("consult import", tiny_study, export)["result"]
    assert (said["participants"], said["votes"], said["matched"]) == (5, 5, 0)
    shown = ask("consult show", tiny_study)["result"]
    assert [row["total"]["n"] for row in shown["statements"]] == [0, 0, 5]
    alone = ask("consult polis", export)["result"]
    assert alone["statements"][0]["total"]["agree"] == 5


@pytest.fixture
def rated(tmp_path: Path) -> tuple[Path, list[str], list[str]]:
    """A study with two raters; its folder, their ids, and ids of blind items."""
    site = make_site(make_study(tmp_path / "study"), now=Clock())
    people = [join(site, label=name) for name in ("Grace Hopper", "Zoë")]
    for me, most in zip(people, (12, 4), strict=True):
        consent(me)
        rate_all(me, 4, most=most)
    items = [entry.item_id for entry in read_key(site.study, site.facts.key_digest)]
    site.database.close()
    return site.study.folder, [me.rater for me in people], items


def test_commands_on_ratings(ask, rated, tmp_path, monkeypatch):
    folder, raters, items = rated
    assert ask("rate status", folder)["result"]["totals"]["done"] == 16
    assert ask("rate verify", folder)["result"]["problems"] == []
    files = ask("rate export", folder, "--format", "csv")["result"]
    assert [Path(name).exists() for name in files] == [True] * len(files)
    kept = ask("rate backup", folder)["result"]
    assert Path(kept["path"]).exists()
    assert ask("rate release", folder, raters[1])["result"] == 8
    assert ask("rate forget-rater", folder, raters[1])["result"] == 0
    path = tmp_path / "r.csv"
    path.write_text(f"item_id,rater,value,note\n{items[0]},Ada Lovelace,4,x\n")
    said = ask("rate import", folder, path)["result"]
    assert (said["kind"], said["new"]) == ("blind", 1)
    assert said["notes"] == ["column 'note' not used", "rater 'Ada Lovelace' → ada_lovelace"]
    assert ask("rate unblind", folder, "--who", "Ada")["result"]["again"] is False
    error = ask("rate restore", folder, kept["path"], code=2)["error"]
    assert error["fix"]
    other = make_study(tmp_path / "other").folder
    assert ask("rate restore", other, kept["path"])["result"] == 16
    monkeypatch.setattr("mores.rate.serve.serve", lambda study, options, say: say("a link"))
    assert ask("rate serve", folder)["result"] is None


def test_outputs_of_another_system(ask, tmp_path):
    study = painter(tmp_path, prompts=1)
    said = ask("outputs import", tmp_path, pictures(tmp_path, study))["result"]
    (one,) = said["models"]
    assert (one["model"], one["kinds"], one["absent"]) == ("painter", {"image": 3}, {})
    assert said["notes"] == []
    answers = ask("report", tmp_path)["result"]["report"]["questions"][0]["answers"]
    assert [a["media"]["kind"] for a in answers] == ["image"] * 3
    error = ask("outputs import", tmp_path, tmp_path / "none.csv", code=2)["error"]
    assert error["kind"] == "DataError"


def test_commands_alone(ask, tmp_path, tiny_study, monkeypatch):
    files = ask("init", tmp_path / "mine", "--template", "blank")["result"]
    assert str(tmp_path / "mine" / "study.toml") in files
    source = tmp_path / "old.csv"
    source.write_text("prompt,completion\nQ?,A\n")
    said = ask("import", source, tmp_path / "v.jsonl", "--category", "Mental health")["result"]
    assert said["categories"] == {"mental_health": 1}
    assert ask("models")["result"][0]["name"] == "smollm2-135m"
    assert ask("assets")["result"]
    assert ask("doctor", "--no-probe")["result"][0]["name"] == "Python"
    assert ask("schema")["result"]["rate status"] == "mores/rate-status/1"
    assert ask("schema", "rate", "status")["result"]["$id"] == "mores/rate-status/1"
    assert ask("diff", tiny_study, tiny_study)["result"]["effects"] == []
    words = ("--question", "Why?", "--answer", "So.")
    assert ask("complain", tiny_study, *words)["result"]["number"] == 1
    assert [one["state"] for one in ask("complaints", tiny_study)["result"]] == ["open"]
    monkeypatch.setattr("mores.desk.serve.serve", lambda read, options, say: say("a link"))
    assert ask("desk", tiny_study)["result"] is None
    asked = tmp_path / "questions.csv"
    asked.write_text("prompt,category\nwhat helps a friend?,care\n")
    words = ("--candidates", "1", "--max-new-tokens", "4")
    drafted = ask("draft", tiny_study, asked, *words)["result"]
    assert (drafted["written"] + drafted["empty"], drafted["kept"]) == (1, 0)


def test_what_a_judge_found(ask, tmp_path, tiny_folder):
    folder = make_study(tmp_path / "study", prompts=2).folder
    assert "no judges" in ask("judge", folder, code=2)["error"]["message"]
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[judges]]\nname = "tiny"\nfamily = "t"\nmodel = "{tiny_folder}"\n')
    said = ask("judge", folder)["result"]
    (one,) = said["judges"]
    # Its context is shorter than any prompt.
    assert (one["completions"], one["rated"], sum(one["absent"].values())) == (6, 0, 6)
    assert one["consistency"]["value"] is None
    assert said["notes"]


def test_recipes_side_by_side_fit_the_schema_of_tune(ask, tiny_study):
    document = ask("tune", tiny_study, "--sweep", "--point", "learning_rate=1e-3")
    (point,) = document["result"]["points"]
    assert point["name"] == "learning_rate=1e-3"


def test_findings_are_in_the_document_and_end_with_1(ask, tiny_study):
    path = tiny_study / "values.jsonl"
    path.write_text(path.read_text().replace('."', '.<|im_end|>"', 1))
    document = ask("check", tiny_study, code=1)
    assert "M103" in {finding["rule"] for finding in document["result"]}


def test_an_error_is_a_document_too(ask, tmp_path):
    document = ask("check", tmp_path, code=2)
    assert document["result"] is None
    assert document["error"]["kind"] == "StudyError"
    assert "there is no study.toml here" in document["error"]["message"]
    source = tmp_path / "old.csv"
    source.write_text("text\nx\n")
    error = ask("import", source, tmp_path / "v.jsonl", code=2)["error"]
    assert (error["kind"], error["path"], error["line"]) == ("DataError", str(source), 2)
    assert "alpaca" in error["fix"]


def test_a_fault_of_our_own_is_a_document_too(ask, tiny_study, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by 0")

    monkeypatch.setattr("mores.curate.check_study", broken)
    document = ask("check", tiny_study, code=3)
    assert document["study"] == "tiny"
    assert document["result"] is None
    assert document["error"]["kind"] == "internal"
    assert document["error"]["message"] == "ZeroDivisionError: by 0"
    assert "on stderr" in document["error"]["fix"]


def test_a_fault_of_our_own_never_ends_as_findings_do(tiny_study, monkeypatch, capsys):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by 0")

    for place, words in (
        ("mores.curate.check_study", ()),
        ("mores.curate.failing", ("--json",)),  # the printer's own faults too
        ("mores.curate.check_study", ("--json",)),
    ):
        monkeypatch.setattr(sys, "argv", ["mores", "check", str(tiny_study), *words])
        with monkeypatch.context() as patched:
            patched.setattr(place, broken)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        assert ended.value.code == 3
        assert "Traceback" in said.err
        assert "ZeroDivisionError: by 0" in said.err
        assert bool(said.out) == bool(words)
        assert not words or json.loads(said.out)["error"]["kind"] == "internal"


def test_a_file_nested_without_end_is_an_error_in_words(ask, tmp_path):
    source = tmp_path / "deep.json"
    source.write_text(
        '[{"prompt": "Q?", "completion": "A", "x": ' + "[" * 3_000 + "]" * 3_000 + "}]"
    )
    error = ask("import", source, tmp_path / "v.jsonl", "--category", "c", code=2)["error"]
    assert (error["kind"], error["line"]) == ("DataError", 1)
    assert "more than 100 levels" in error["message"]


def test_json_takes_the_place_of_format_and_output(ask, tiny_study, tmp_path):
    target = tmp_path / "findings.sarif"
    words = ("--format", "sarif", "--output", target)
    assert (
        ask("check", tiny_study, code=None)["result"]
        == (ask("check", tiny_study, *words, code=None)["result"])
    )
    assert not target.exists()


def test_a_schema_refuses_what_is_none(ask, tmp_path):
    whole = schema("models", import_module("mores.weights.listing").list_models)
    document = ask("models")
    document["result"][0]["bytes"] = "many"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, whole)
    assert "\\\\Z" not in json.dumps([schema(n, _function(p)) for n, p in commands()])


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
