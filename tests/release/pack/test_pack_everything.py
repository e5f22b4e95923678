"""A study with all that one can have: gates, judges, a consultation, signatures by key, drift."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock
from packs import REPORT, content

from mores import store
from mores.consult.run import import_polis
from mores.consult.start import start
from mores.measure.gates.run import gates
from mores.rate.judge.run import judge
from mores.rate.ratings import add_ratings
from mores.release.pack import pack, verify
from mores.report import report
from mores.study import load_study
from mores.study.signoff import sign

OURS = ("version", "reason")
"""Fields in which mores says something, not a person or a model."""
WORDS = "bread needs flour water salt and time"


@pytest.fixture
def whole(finished: Path, tmp_path: Path, tiny_folder: Path, shared: Path) -> Path:
    with FileLock(shared / "lock"):
        if not (shared / "whole").exists():
            _made(finished, tmp_path, tiny_folder)
            shutil.copytree(finished, shared / "new")
            (shared / "new").rename(shared / "whole")
    shutil.rmtree(finished)
    return Path(shutil.copytree(shared / "whole", finished))


def _made(finished: Path, tmp_path: Path, tiny_folder: Path) -> None:
    other = tiny_folder.with_name("other-llm")
    shutil.copytree(tiny_folder, other, dirs_exist_ok=True)
    (other / "generation_config.json").unlink()  # other files, so that it is another model
    with (finished / "study.toml").open("a", encoding="utf-8") as file:
        file.write(
            "\n[gates]\nenabled = true\n"
            '\n[[judges]]\nname = "tiny-judge"\nfamily = "t"\nmodel = "other-llm"\n'
        )
    _polis(finished, tmp_path)
    study = load_study(finished)
    gates(study)
    judge(study)
    ids = [row["id"] for _, row in store.iter_rows(
        finished / "runs/quick/tiny-model/sample/completions.jsonl")]  # fmt: skip
    said = tmp_path / "judged.csv"
    said.write_text("completion_id,value\n" + "".join(f"{one},4\n" for one in ids))
    add_ratings(study, said, judge="gpt-x")
    _signed(finished, tmp_path)
    report(load_study(finished))


def _polis(folder: Path, tmp_path: Path) -> None:
    start(load_study(folder))
    export = tmp_path / "export"
    export.mkdir()
    (export / "comments.csv").write_text(
        f"comment-id,author-id,agrees,disagrees,moderated,comment-body\n0,0,5,0,1,{WORDS}\n"
    )
    rows = "".join(f"{i},,1,1,0,1\n" for i in range(6))
    (export / "participants-votes.csv").write_text(
        f"participant,group-id,n-votes,n-agree,n-disagree,0\n{rows}"
    )
    import_polis(load_study(folder), export)


def _signed(folder: Path, tmp_path: Path) -> None:
    """One more person signs, with a key; and one line is not to be believed."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    (folder / "signers.toml").write_text(
        f'[[signers]]\nname = "Rosa Luxemburg"\nkey = "{public}"\n'
    )
    now = datetime(2026, 1, 5, tzinfo=UTC)
    sign(
        load_study(folder), ["values:beauty"], by="Rosa Luxemburg", role="reader",
        checked=("all",), key=key, now=now,
    )  # fmt: skip
    path = folder / "signatures.jsonl"
    lines = path.read_text("utf-8").splitlines()
    bad = lines[0].replace("clinician", "physician")
    path.write_text("\n".join([*lines, bad]) + "\n")


@pytest.mark.parametrize("level", ["full", "no-texts", "figures"])
def test_all_of_it_is_packed_and_made_again(whole, tmp_path, level):
    path = tmp_path / "x.zip"
    packed = pack(load_study(whole), out=path, disclose=level)
    found = verify(path)
    assert found.differences == ()
    files = content(path)
    said = json.loads(files[REPORT])
    mine = json.loads((whole / "runs/quick/report/report.json").read_text("utf-8"))
    assert said["gates"] == mine["gates"] != []
    assert said["ratings"]["judges"] == mine["ratings"]["judges"] != []
    assert said["signoff"]["counts"] == mine["signoff"]["counts"]
    assert said["signoff"]["faults"] == 1
    left = {row["path"]: row["why"] for row in json.loads(files["pack.json"])["left_out"]}
    assert left["signers.toml"] == left["consult/votes.jsonl"] == "people"
    assert not any("consult/" in name for name in files)
    assert packed.left_out["people"] == 5
    if level == "full":
        assert said["consultation"] == mine["consultation"] is not None
        text = next(check.said for check in found.checks if check.what == "report")
        assert "taken over as packed" in text
        assert "consultation" in text
    else:
        assert said["consultation"] is None
    whole_text = b"\n".join(files.values()).decode("utf-8", "replace")
    assert "Luxemburg" not in whole_text
    assert "AAAAC3NzaC1lZDI1NTE5" not in whole_text


def test_no_sentence_is_left_without_texts(whole, tmp_path):
    """Whatever step wrote it: no string of five words that one of its files had."""
    path = tmp_path / "x.zip"
    pack(load_study(whole), out=path, disclose="no-texts")
    files = content(path)
    spoken: set[str] = set()
    run = whole / "runs/quick"
    for source in (*run.rglob("*.jsonl"), *whole.glob("*.jsonl")):
        for _, row in store.iter_rows(source):
            spoken |= {s for s in _strings(row) if len(s.split()) >= 5 and len(s) > 30}
    spoken = {one for one in spoken if not re.match(r"sha256:|tiny-model\.", one)}
    assert len(spoken) > 100
    data = {n: d.decode("utf-8", "replace") for n, d in files.items() if n.startswith("study/")}
    found = {
        (name, one)
        for name, text in data.items()
        for one in spoken
        if json.dumps(one, ensure_ascii=False)[1:-1] in text
    }
    assert found == set()


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(one) if key not in OURS else ()
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
