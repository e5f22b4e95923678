"""`mores pack` and `mores verify`, as people type them: lines, exit codes, nothing half-written."""

from __future__ import annotations

import sys

import pytest
from packs import RATINGS, changed, line

from mores import cli, store


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*words: object):
        monkeypatch.setattr(sys, "argv", ["mores", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_pack_and_verify(run, finished):
    code, out, err = run("pack", finished, "--disclose", "no-texts")
    path = finished / "runs/quick/tiny-no-texts.zip"
    assert (code, path.exists()) == (0, True), err
    assert out.splitlines() == [
        f"{path}  {path.stat().st_size:,} bytes, 51 files, no-texts",
        store.digest_file(path),
        "left out, named by digest: 6 (weights)",
        "not signed: give the digest above to whoever is to check it, by another way",
    ]
    assert "making the report again" in err
    code, out, err = run("verify", path)
    lines = out.splitlines()
    assert code == 0, out
    assert lines[0] == "tiny 1.0.0, preset quick; no-texts; by mores 0.1.0"
    assert lines[1] == store.digest_file(path)
    assert lines[2].startswith("holds        digests: 50 files have the digests")
    assert lines[-1] == "nothing differs; not checked: signature, weights"
    assert "making the report again" in err


def test_a_difference_ends_with_1_and_what_is_no_pack_with_2(run, packed, tmp_path):
    path = changed(packed(), {RATINGS: line(0, lambda r: r.update(value=5))})
    code, out, _ = run("verify", path, "--quiet")
    assert code == 1
    assert "DIFFERS      digests: " in out
    assert f"- {RATINGS}, record 'tiny-model." in out
    assert ": as it was packed → changed" in out
    assert "differences: this is not what was packed" in out
    (tmp_path / "x.zip").write_bytes(packed().read_bytes()[:5000])
    code, out, err = run("verify", tmp_path / "x.zip")
    assert (code, out) == (2, "")
    assert "cut short" in err
    assert "fix: get the file again" in err


def test_a_key_that_cannot_sign_writes_nothing(run, finished, tmp_path):
    code, _, err = run("pack", finished, "--out", tmp_path / "x.zip", "--sign", tmp_path / "none")
    assert code == 2
    assert "no such key" in err
    assert not (tmp_path / "x.zip").exists()


def test_the_page_of_an_old_report_is_not_packed(run, finished, tmp_path):
    (finished / "runs/quick/report/report.json").write_text("{}")
    code, _, err = run("pack", finished, "--out", tmp_path / "x.zip")
    assert code == 2
    assert "the report is not of what there is now" in err
    assert "run `mores report`" in err
