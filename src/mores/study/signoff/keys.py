"""Signatures with a key: Ed25519 as SSH signatures, as ``ssh-keygen`` makes them, offline.

    # signers.toml: who signs with which key; a name that stands here signs with no other
    [[signers]]
    name = "Dr A. Example"
    key = "ssh-ed25519 AAAAC3Nz..."

With the extra ``keys`` (the package `cryptography`) signatures are verified in this process, tens
of times as fast; signing, and keys in hardware, are ``ssh-keygen``'s.

Source: OpenSSH, PROTOCOL.sshsig; ssh-keygen(1), ``-Y sign`` and ``-Y verify``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import subprocess
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path
from shutil import which
from typing import Annotated

from msgspec import Meta

from mores import store
from mores.errors import StudyError
from mores.records import Record, matching
from mores.study.files import SIGNERS
from mores.study.signoff.signature import Person

NAMESPACE = "mores-signature"
"""Keeps a signature made for something else from counting here, and the other way round."""
TOOL = "ssh-keygen"

_KEY = matching(
    r"^(ssh-ed25519|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]+={0,2}( .*)?\Z",
    "a public Ed25519 key as in a .pub file, such as ssh-ed25519 AAAAC3Nz...",
)
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


class Signer(Record, frozen=True, kw_only=True):
    """One key of one person; who has several has several entries."""

    name: Person
    key: Annotated[str, Meta(pattern=_KEY)]


class Signers(Record, frozen=True, kw_only=True):
    """The content of signers.toml."""

    signers: tuple[Signer, ...] = ()

    def keys_of(self, name: str) -> set[str]:
        """Keys of a person, as base64; empty for who signs without."""
        return {s.key.split()[1] for s in self.signers if person(s.name) == person(name)}


def person(name: str) -> str:
    """Return what makes two names one person: not case, blanks or the form of letters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_signers(folder: Path) -> Signers:
    """Read signers.toml; an absent file names nobody.

    Raises:
        DataError: not TOML, an unknown field, a key that is none.
    """
    path = folder / SIGNERS
    return (
        store.as_record(store.read_toml(path), Signers, path=path) if path.exists() else Signers()
    )


def sign_with(key: Path, payload: bytes, namespace: str = NAMESPACE) -> str:
    """Sign bytes with a private key (or, through an agent, a public one); return base64.

    Raises:
        StudyError: no ssh-keygen, no such key, not an Ed25519 key, or it could not be used.
    """
    if not key.is_file():
        raise StudyError("no such key", path=key, fix="make one: ssh-keygen -t ed25519 -f FILE")
    if which(TOOL) is None:
        raise _no_tool()
    done = subprocess.run(
        [TOOL, "-q", "-Y", "sign", "-f", str(key), "-n", namespace],
        input=payload,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise StudyError(f"the key could not be used: {said}", path=key, fix="see ssh-keygen(1)")
    armoured = done.stdout.decode("ascii")
    signature = "".join(armoured.replace(_BEGIN, "").replace(_END, "").split())
    kind = _strings(base64.b64decode(key_of(signature, namespace)))[0]
    if kind not in (b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com"):
        raise StudyError(
            f"expected an Ed25519 key, found {kind.decode('ascii', 'replace')}",
            path=key,
            fix="make one: ssh-keygen -t ed25519 -f FILE",
        )
    return signature


def key_of(signature: str, purpose: str = NAMESPACE) -> str:
    """Return the public key in a signature, as base64.

    Raises:
        ValueError: no SSH signature, or one of another namespace.
    """
    try:
        data = base64.b64decode(signature, validate=True)
        if data[:10] != b"SSHSIG\x00\x00\x00\x01":
            raise ValueError("no SSH signature")
        key, namespace, *_ = _strings(data[10:])
    except (binascii.Error, IndexError):
        raise ValueError("no SSH signature") from None
    if namespace != purpose.encode():
        raise ValueError(f"made for another purpose ({namespace.decode('ascii', 'replace')!r})")
    return base64.b64encode(key).decode("ascii")


def fingerprint(key: str) -> str:
    """Return a public key's fingerprint as ssh-keygen prints it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def fault(payload: bytes, signature: str, by: str, allowed: set[str]) -> str:
    """Say what is wrong with a signature, or return "" where it holds.

    Args:
        payload: what it should be over.
        signature: base64; empty where the line has none.
        by: who says to have made it.
        allowed: keys of that person; empty for who signs without.
    """
    if not signature:
        return f"{by} signs with a key (signers.toml), and this line has no key's signature"
    try:
        key = key_of(signature)
    except ValueError as error:
        return f"its key's signature cannot be read: {error}"
    if key not in allowed:
        return f"signed with the key {fingerprint(key)}, which signers.toml does not give {by!r}"
    holds = holding(payload, signature, key)
    if holds is None:
        return f"cannot be verified here: {TOOL} is not installed"
    if not holds:
        return (
            "its key's signature is over other content: the line was rewritten, or the signature "
            "copied from another"
        )
    return ""


@lru_cache(maxsize=10_000)
def holding(payload: bytes, signature: str, key: str, namespace: str = NAMESPACE) -> bool | None:
    """Whether a signature holds; None where nothing here can tell."""
    holds = verified_here(payload, signature, key)
    if holds is None and which(TOOL) is not None:
        return verified_by_tool(payload, signature, key, namespace)
    return holds


def verified_here(payload: bytes, signature: str, key: str) -> bool | None:
    """Verify with `cryptography`; None where it is not installed or the key is in hardware."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    kind, public, *_ = _strings(base64.b64decode(key))
    _, namespace, reserved, algorithm, made = _strings(base64.b64decode(signature)[10:])
    if kind != b"ssh-ed25519" or algorithm not in (b"sha256", b"sha512"):
        return None
    digest = hashlib.new(algorithm.decode("ascii"), payload).digest()
    signed = b"SSHSIG" + b"".join(map(_string, (namespace, reserved, algorithm, digest)))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(_strings(made)[1], signed)
    except (InvalidSignature, ValueError, IndexError):
        return False
    return True


def verified_by_tool(payload: bytes, signature: str, key: str, purpose: str = NAMESPACE) -> bool:
    """Verify with ``ssh-keygen``."""
    kind = _strings(base64.b64decode(key))[0].decode("ascii")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "allowed").write_text(f'signer namespaces="{purpose}" {kind} {key}\n')
        rows = [signature[i : i + 70] for i in range(0, len(signature), 70)]
        (folder / "signature").write_text("\n".join([_BEGIN, *rows, _END, ""]))
        command = [TOOL, "-Y", "verify", "-f", "allowed", "-I", "signer", "-n", purpose]
        done = subprocess.run(
            [*command, "-s", "signature"],
            input=payload,
            cwd=folder,
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


def _strings(data: bytes) -> list[bytes]:
    """Split SSH's wire format: each string after its length in four bytes."""
    parts = []
    while data:
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            break  # a trailing part that is no string
        parts.append(data[4 : 4 + size])
        data = data[4 + size :]
    return parts


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _no_tool() -> StudyError:
    return StudyError(
        f"{TOOL} is not installed", fix="install OpenSSH, or sign without a key: leave out --key"
    )
