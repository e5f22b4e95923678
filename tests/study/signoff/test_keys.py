"""Signatures with real keys, made here by ssh-keygen and verified by it, offline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from mores import store
from mores.errors import DataError, StudyError
from mores.study import load_study
from mores.study.signoff import sign, sign_off, withdraw
from mores.study.signoff.keys import fingerprint, holding, key_of, verified_by_tool, verified_here
from mores.study.signoff.signature import Signature, read_signatures

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")


@pytest.fixture
def keys(tmp_path):
    """Two Ed25519 keys."""
    found = {}
    for name in ("ada", "mallory"):
        found[name] = tmp_path / name
        _keygen("-t", "ed25519", "-N", "", "-C", f"{name}@test", "-f", str(found[name]))
    return found


def _keygen(*words: str) -> str:
    done = subprocess.run(["ssh-keygen", "-q", *words], check=True, capture_output=True, text=True)
    return done.stdout


def name_signer(folder, path, name="Ada") -> None:
    public = path.with_name(path.name + ".pub").read_text().strip()
    text = f"[[signers]]\nname = {json.dumps(name)}\nkey = {json.dumps(public)}\n"
    (folder / "signers.toml").write_text(text, encoding="utf-8")


def put(folder, *what, by="Ada", key=None):
    return sign(load_study(folder), what, by=by, role="clinician", checked="all", key=key, now=NOW)


def rewrite(folder, **fields) -> None:
    """Change the first line as somebody would who knows how ids are made."""
    lines = [store.to_plain(line) for line in read_signatures(folder)]
    lines[0] |= fields
    lines[0]["id"] = store.as_record({**lines[0], "id": "-"}, Signature).own_id
    store.write_jsonl(folder / "signatures.jsonl", lines)


def test_a_signature_with_a_key_isholding(tiny_study, keys):
    name_signer(tiny_study, keys["ada"])
    (line, *_) = put(tiny_study, "values", by="ada", key=keys["ada"])
    public = keys["ada"].with_name("ada.pub").read_text().split()[1]
    assert key_of(line.signature) == public
    listed = _keygen("-l", "-f", f"{keys['ada']}.pub").split()[1]  # the tool as oracle
    assert fingerprint(public) == listed
    found = sign_off(load_study(tiny_study))
    assert found.faults == ()
    (one,) = next(s for s in found.things if s.what == "values:v-00").signatures
    assert one.key
    assert found.counts[1].signed == 8
    withdraw(load_study(tiny_study), ["v-00"], by="Ada", reason="r", key=keys["ada"], now=NOW)
    found = sign_off(load_study(tiny_study))
    assert (found.faults, found.counts[1].signed) == ((), 7)


def test_who_signs_with_a_key_signs_with_no_other(tiny_study, keys):
    name_signer(tiny_study, keys["ada"])
    with pytest.raises(StudyError, match="'Ada' signs with a key"):
        put(tiny_study, "v-00")
    with pytest.raises(StudyError, match=r"signed with the key SHA256:.* does not give 'Ada'"):
        put(tiny_study, "v-00", key=keys["mallory"])
    with pytest.raises(StudyError, match=r"does not give 'Mallory'"):
        put(tiny_study, "v-00", by="Mallory", key=keys["mallory"])
    assert read_signatures(tiny_study) == []
    put(tiny_study, "v-00", by="Somebody else")  # without a key, under a name that has none


def why(folder) -> str:
    (fault,) = sign_off(load_study(folder)).faults
    assert fault.line == 1
    return fault.why


def test_each_forgery_is_named(tiny_study, keys):
    put(tiny_study, "v-00")  # before Ada had a key
    name_signer(tiny_study, keys["ada"])
    assert why(tiny_study) == (
        "Ada signs with a key (signers.toml), and this line has no key's signature"
    )
    path = tiny_study / "signatures.jsonl"
    path.unlink()
    put(tiny_study, "v-00", key=keys["ada"])
    good = path.read_bytes()
    lines = json.loads(good)
    store.write_jsonl(path, [{**lines, "decision": "reserve", "reason": "x"}])
    assert why(tiny_study).startswith("the line was changed since it was signed")
    path.write_bytes(good)
    rewrite(tiny_study, decision="reserve", reason="x")  # with an id that fits
    assert why(tiny_study).startswith("its key's signature is over other content")
    path.write_bytes(good)
    other = next(s for s in sign_off(load_study(tiny_study)).things if s.what == "values:v-01")
    rewrite(tiny_study, what=other.what, digest=other.digest)  # replayed for another sample
    assert why(tiny_study).startswith("its key's signature is over other content")
    path.write_bytes(good)
    rewrite(tiny_study, signature="bm90aGluZw==")
    assert why(tiny_study) == "its key's signature cannot be read: no SSH signature"
    path.write_bytes(good)
    rewrite(tiny_study, signature="")
    assert why(tiny_study).startswith("Ada signs with a key")
    path.write_bytes(good)
    rewrite(tiny_study, by="Ben")
    assert "which signers.toml does not give 'Ben'" in why(tiny_study)
    path.write_bytes(good)
    assert sign_off(load_study(tiny_study)).faults == ()


def test_a_signature_made_for_another_purpose(tiny_study, keys, tmp_path):
    name_signer(tiny_study, keys["ada"])
    (line,) = put(tiny_study, "v-00", key=keys["ada"])
    file = tmp_path / "payload"
    file.write_bytes(line.payload)
    _keygen("-Y", "sign", "-f", str(keys["ada"]), "-n", "git", str(file))
    text = file.with_name("payload.sig").read_text()
    rewrite(tiny_study, signature="".join(text.splitlines()[1:-1]))
    assert why(tiny_study) == (
        "its key's signature cannot be read: made for another purpose ('git')"
    )


def test_a_key_that_is_taken_out_takes_its_signatures_with_it(tiny_study, keys):
    name_signer(tiny_study, keys["ada"])
    put(tiny_study, "v-00", key=keys["ada"])
    name_signer(tiny_study, keys["mallory"])
    assert "does not give 'Ada'" in why(tiny_study)
    assert sign_off(load_study(tiny_study)).counts[1].signed == 0


def test_without_the_tool_nothing_is_taken_on_trust(tiny_study, keys, monkeypatch):
    name_signer(tiny_study, keys["ada"])
    put(tiny_study, "v-00", key=keys["ada"])
    monkeypatch.setattr("mores.study.signoff.keys.which", lambda _: None)
    assert sign_off(load_study(tiny_study)).faults == ()  # cryptography verifies it
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    holding.cache_clear()
    assert why(tiny_study) == "cannot be verified here: ssh-keygen is not installed"
    with pytest.raises(StudyError, match="ssh-keygen is not installed"):
        put(tiny_study, "v-02", key=keys["ada"])


def test_keys_that_cannot_be_used(tiny_study, keys, tmp_path):
    name_signer(tiny_study, keys["ada"])
    with pytest.raises(StudyError, match="no such key"):
        put(tiny_study, "v-00", key=tmp_path / "none")
    (tmp_path / "broken").write_text("no key")
    (tmp_path / "broken").chmod(0o600)
    with pytest.raises(StudyError, match="the key could not be used"):
        put(tiny_study, "v-00", key=tmp_path / "broken")
    _keygen("-t", "ecdsa", "-N", "", "-f", str(tmp_path / "ecdsa"))
    with pytest.raises(StudyError, match="expected an Ed25519 key, found ecdsa-sha2-nistp256"):
        put(tiny_study, "v-00", key=tmp_path / "ecdsa")


def test_both_ways_to_verify_say_the_same(tiny_study, keys):
    name_signer(tiny_study, keys["ada"])
    (line, other) = put(tiny_study, "v-00", "v-02", key=keys["ada"])
    name_signer(tiny_study, keys["mallory"])
    (foreign,) = put(tiny_study, "v-00", key=keys["mallory"])
    mine, theirs = key_of(line.signature), key_of(foreign.signature)
    for payload, signature, key, holds in (
        (line.payload, line.signature, mine, True),
        (other.payload, other.signature, mine, True),
        (line.payload, other.signature, mine, False),
        (line.payload + b" ", line.signature, mine, False),
        (line.payload, line.signature, theirs, False),
        (foreign.payload, foreign.signature, theirs, True),
        (line.payload, line.signature[:-8] + "AAAAAAA=", mine, False),
    ):
        assert verified_here(payload, signature, key) is holds
        assert verified_by_tool(payload, signature, key) is holds


@pytest.mark.parametrize("key", ["", "ssh-rsa AAAA", "ssh-ed25519", "ssh-ed25519 AA\nAA"])
def test_signers_are_ed25519_keys(tiny_study, key):
    text = f'[[signers]]\nname = "Ada"\nkey = {json.dumps(key)}\n'
    (tiny_study / "signers.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="a public Ed25519 key"):
        sign_off(load_study(tiny_study))
