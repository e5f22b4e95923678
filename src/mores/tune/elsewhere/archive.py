"""An adapter out of the archive that a host sends, in PEFT's own form."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from mores import store
from mores.errors import ModelError, TuneError
from mores.tune.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS

ZSTANDARD = b"\x28\xb5\x2f\xfd"
NAMES = (ADAPTER_WEIGHTS, ADAPTER_CONFIG)


def unpack_adapter(data: bytes, folder: Path) -> list[str]:
    """Write the two files of an adapter out of an archive; nothing else in it is looked at.

    Args:
        data: a tar archive, plain or packed with gzip, xz or Zstandard, or a zip archive.
        folder: where they go.

    Returns:
        The files' names.

    Raises:
        TuneError: no such archive, or no adapter in PEFT's form in it.
    """
    found = _members(data)
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise TuneError(
            f"the host's archive holds no adapter in PEFT's form: no {' and no '.join(missing)}",
            path=folder,
            fix="set host.fetch = false and ask the host for answers",
        )
    _check(found[ADAPTER_WEIGHTS], found[ADAPTER_CONFIG], folder)
    for name in NAMES:
        store.write_bytes(folder / name, found[name])
    return list(NAMES)


def _members(data: bytes) -> dict[str, bytes]:
    """The wanted files by name, wherever in the archive they lie."""
    if data.startswith(ZSTANDARD):
        data = _decompressed(data)
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                names = [n for n in packed.namelist() if PurePosixPath(n).name in NAMES]
                return {PurePosixPath(n).name: packed.read(n) for n in names}
        found = {}
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                file = archive.extractfile(member) if member.isfile() and name in NAMES else None
                if file is not None:
                    found[name] = file.read()
        return found
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise TuneError(
            f"what the host sent is no archive: {error}",
            fix="set host.fetch = false and ask the host for answers; the paid job is kept",
        ) from None


def _decompressed(data: bytes) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise TuneError(
            "the host's archive is packed with Zstandard, which is not installed",
            fix="pip install 'mores[together]', then run the same command again",
        ) from None
    try:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as reader:
            return bytes(reader.read())
    except zstandard.ZstdError as error:
        raise TuneError(
            f"what the host sent is no archive: {error}",
            fix="set host.fetch = false and ask the host for answers; the paid job is kept",
        ) from None


def _check(weights: bytes, config: bytes, folder: Path) -> None:
    """Refuse what could not be read later: damaged weights, a file of settings that is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from mores.json_text import JsonError, parse

    try:
        settings = parse(config.decode("utf-8"), strict=False)
        kind = settings.get("peft_type") if isinstance(settings, dict) else None
        if kind != "LORA":
            raise ModelError(f"{ADAPTER_CONFIG} is of the type {kind!r}, not LORA", path=folder)
        if not load(weights):
            raise ModelError(f"{ADAPTER_WEIGHTS} is empty", path=folder)
    except (JsonError, UnicodeDecodeError, SafetensorError, KeyError) as error:
        raise ModelError(f"the host's adapter cannot be read: {error}", path=folder) from None
