"""Captions of anybody → WebVTT with cues only.

Comments, styles, names of cues and their places are left out: nobody needs them to read along, and
they could say where a film comes from.
"""

from __future__ import annotations

import re
from pathlib import Path

from mores import store
from mores.errors import DataError

MOST_BYTES = 2**20
_TIME = r"(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}"
_CUE = re.compile(rf"({_TIME})[ \t]+-->[ \t]+({_TIME})(?:[ \t].*)?")


def clean_captions(path: Path) -> str:
    """Return captions as WebVTT with nothing but times and words.

    Raises:
        DataError: missing, too large, not UTF-8, no WebVTT, or without a cue.
    """
    fix = "save the captions as WebVTT (.vtt), which begins with the line WEBVTT"
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise DataError(f"captions of more than {MOST_BYTES} bytes", path=path, fix=fix)
    lines = store.read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        raise DataError("no WebVTT", path=path, line=1, fix=fix)
    cues: list[str] = []
    at = 1
    while at < len(lines):
        found = _CUE.fullmatch(lines[at].strip())
        at += 1
        if not found:
            continue
        said = []
        while at < len(lines) and lines[at].strip():
            said.append(re.sub(r"<[^>]*>?", "", lines[at]).replace("-->", "→").strip())
            at += 1
        if any(said):
            cues.append("\n".join([f"{found[1]} --> {found[2]}", *filter(None, said)]))
    if not cues:
        raise DataError("captions without a cue", path=path, fix=fix)
    return "\n\n".join(["WEBVTT", *cues]) + "\n"
