"""A media file of anybody → the same picture or sound in one form, with nothing else in it.

    made = clean(Path("out/17.jpg"), "out/17.jpg")
    made.kind, made.data, made.width

What a file is, its first bytes say; names and endings count for nothing. It is decoded and encoded
anew, so that what comes out holds pixels and samples only: no EXIF, tags, names of encoders or
dates, and nothing that another program could read in the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from mores.errors import DataError
from mores.sample.imported.image import clean_image
from mores.sample.imported.made import Clean, UnfitError
from mores.sample.imported.sound import clean_stream

MOST_BYTES = 64 * 2**20
"""Of a file that is brought."""
MAGIC: tuple[tuple[bytes, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"GIF8[79]a", "GIF"),
    (rb"....ftypavi[fs]", "AVIF"),
    (rb"RIFF....WAVE", "wav"),
    (rb"fLaC", "flac"),
    (rb"OggS", "ogg"),
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "mp3"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"....ftyp", "mp4"),
    (rb"\x1aE\xdf\xa3", "matroska"),
)
"""Beginning of a file → the one decoder that is let at it. What opens other files or addresses
(playlists, SVG) is not among them."""
IMAGES = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
_MARKUP = re.compile(rb"<(script|svg|html|!doctype|\?php|iframe)", re.IGNORECASE)
KNOWN = "images: PNG, JPEG, WebP, AVIF, GIF; audio: WAV, FLAC, MP3, AAC, Ogg; video: MP4, WebM"


def clean(path: Path, named: str) -> Clean:
    """Decode a file and encode it anew.

    Args:
        path: the file.
        named: what the table calls it, for messages.

    Raises:
        DataError: missing, empty, too large, no known form, a second form in the same bytes, or it
            does not decode to its end.
        StudyError: a library that reads it is not installed.
    """
    try:
        if not path.is_file():
            raise DataError(f"no such file: {named!r}", path=path)
        if path.stat().st_size > MOST_BYTES:
            raise DataError(
                f"{path.stat().st_size} bytes; at most {MOST_BYTES} are taken",
                path=path,
                fix="make it shorter or smaller, alike in every arm",
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=path) from None
    try:
        form = form_of(data)
        if form in IMAGES:
            return clean_image(data, form)
        return clean_stream(data, form)
    except UnfitError as error:
        raise DataError(
            f"it cannot be taken as an answer: {error}", path=path, fix=f"taken are {KNOWN}"
        ) from None


def form_of(data: bytes) -> str:
    """Return the name of the decoder for a file's bytes.

    Raises:
        UnfitError: none of ours, or something else could be read in the same bytes.
    """
    head = data[:16]
    form = next((name for magic, name in MAGIC if re.match(magic, head, re.DOTALL)), "")
    if not form:
        text = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if text.startswith(b"<"):
            raise UnfitError("SVG, HTML or other markup, which can carry a program")
        raise UnfitError("empty" if not data else f"no known form (it begins {head[:8].hex()})")
    if found := _MARKUP.search(data):
        raise UnfitError(f"a {form} file with {found[0].decode()!r} in it: two files in one")
    if _is_archive(data):
        raise UnfitError(f"a {form} file that is an archive as well: two files in one")
    return form


def _is_archive(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
