"""What a pack that nobody touched is found to be, in words, at each level; weights; signatures."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from packs import ANSWERS, changed, content, line

from mores.errors import DataError
from mores.release.pack import pack, verify
from mores.study import load_study


def states(found):
    return {check.what: check.state for check in found.checks}


def said(found, what):
    (one,) = [check.said for check in found.checks if check.what == what]
    return one


HOLDS = ("digests", "zip file", "seal", "audit chain", "report", "page and figures")
RECORDS = ("manifests", "answers")


@pytest.mark.parametrize("level", ["full", "no-texts", "figures"])
def test_what_was_checked_and_what_could_not_be_is_said(packed, level):
    found = verify(packed(level))
    assert found.differences == ()
    expected = dict.fromkeys(HOLDS, "holds") | dict.fromkeys(
        ("signature", "weights"), "not checked"
    )
    expected |= dict.fromkeys(RECORDS, "not checked" if level == "figures" else "holds")
    assert states(found) == expected
    assert said(found, "signature").startswith("it is not signed: whoever had it in hand could")
    assert "only the owner can show" in said(found, "audit chain")
    report = said(found, "report")
    if level == "full":
        assert found.compared > 5000
        assert report == f"{found.compared} values made again from the records, all equal"
    if level == "no-texts":
        assert found.compared > 5000
        assert "taken over as packed, for what they rest on is not here: signoff;" in report
        assert "cannot be judged from this pack: runs/quick/tiny-model/coherence" in report
    if level == "figures":
        assert "The numbers themselves cannot be made again" in report


def test_it_needs_no_network_no_model_and_no_heavy_library(packed, tmp_path):
    """A process in which a socket, torch or transformers ends everything."""
    code = f"""
import sys
from pathlib import Path
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "peft", "cryptography"):
            raise AssertionError(name)
sys.meta_path.insert(0, Refused())
def refuse(event, _):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise AssertionError(event)
sys.addaudithook(refuse)
from mores.release.pack import verify
found = verify(Path({str(packed())!r}))
assert found.differences == (), found.differences
print(found.compared)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5000


def test_nothing_is_left_behind(packed, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "here"))
    verify(packed("figures"))
    with pytest.raises(DataError):
        verify(changed(packed("figures"), {"extra": b"x"}))
    assert list((tmp_path / "here").iterdir()) == []


def test_weights_at_hand_are_held_against_their_digests(packed, finished, tiny_folder, tmp_path):
    found = verify(packed("figures"), weights=finished / "runs/quick")
    assert states(found)["weights"] == "holds"
    assert said(found, "weights") == (
        "6 of 7 found, with the digests of the report; not at hand: base tiny-model"
    )
    base = said(verify(packed("figures"), weights=tiny_folder), "weights")
    assert base.startswith("1 of 7 found")
    moved = shutil.copytree(finished / "runs/quick/tiny-model", tmp_path / "at" / "tiny-model")
    path = moved / "tune/control-s1/adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x00")
    found = verify(packed("figures"), weights=tmp_path / "at")
    assert states(found)["weights"] == "differs"
    (one,) = found.differences
    assert one.file == "runs/quick/tiny-model/tune/control-s1/adapter_model.safetensors"
    with pytest.raises(DataError, match="no such folder"):
        verify(packed("figures"), weights=tmp_path / "none")


@pytest.fixture
def keys(tmp_path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in ("ours", "theirs"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]
        subprocess.run(command, cwd=folder, check=True)
        public = (folder / f"{name}.pub").read_text().strip()
        (folder / f"{name}.toml").write_text(f'[[signers]]\nname = "{name}"\nkey = "{public}"\n')
    return folder


def test_a_signature_holds_and_says_whose_it_is(finished, keys, tmp_path, packed):
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    study = load_study(finished)
    made = pack(study, out=one, disclose="figures", sign=keys / "ours")
    pack(study, out=other, disclose="figures", sign=keys / "ours")
    assert one.read_bytes() == other.read_bytes()
    assert made.signed.startswith("SHA256:")
    found = verify(one)
    assert found.differences == ()
    assert said(found, "signature") == (
        f"signed with the key {made.signed}; whose it is, --signers would say"
    )
    found = verify(one, signers=keys / "ours.toml")
    assert said(found, "signature") == f"signed by ours ({made.signed})"
    found = verify(one, signers=keys / "theirs.toml")
    assert states(found)["signature"] == "differs"
    assert "does not name" in said(found, "signature")
    # A pack without one, where one is asked for.
    found = verify(packed("figures"), signers=keys / "ours.toml")
    assert states(found)["signature"] == "differs"
    # One from another pack, put into a changed one whose digests were all made anew.
    signature = content(one)["signature.json"]
    assert verify(changed(one, {"signature.json": signature})).differences == ()
    full = changed(packed(), {ANSWERS: line(0, lambda r: r.update(text="Nicer."))}, rehash=True)
    found = verify(changed(full, {"signature.json": signature}))
    assert said(found, "signature") == "the signature is over another pack.json"
    for bad in (b"{}", b"\xff", b'{"signature": "AAAA"}', b"[]"):
        found = verify(changed(one, {"signature.json": bad}))
        assert said(found, "signature").startswith("the signature cannot be read"), bad


def test_a_signature_for_something_else_does_not_count(finished, keys, tmp_path):
    """One of the same key over the same bytes, made for signatures.jsonl."""
    import json

    from mores.study.signoff.keys import sign_with

    path = tmp_path / "one.zip"
    pack(load_study(finished), out=path, disclose="figures", sign=keys / "ours")
    made = sign_with(keys / "ours", content(path)["pack.json"])
    found = verify(changed(path, {"signature.json": json.dumps({"signature": made}).encode()}))
    assert "made for another purpose" in said(found, "signature")
