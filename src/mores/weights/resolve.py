"""A model's name → a local folder of safetensors, and its digest.

A name is tried in this order: a bundled name (`mores models`), a local folder,
a local GGUF file, a Hub id such as ``HuggingFaceTB/SmolLM2-360M``.

    resolved = resolve("smollm2-135m")
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mores import store
from mores.errors import ModelError, did_you_mean
from mores.step import read_manifest

_DIGESTED = (
    "*.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "generation_config.json",  # the tokens that end an answer
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",  # the end-of-text token and, in older models, the chat template
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.json",
    "*.jinja",
)


@dataclass(frozen=True)
class ResolvedModel:
    """Where a model's weights are on this machine."""

    name: str
    folder: str
    digest: str
    source: str
    """``bundled``, ``folder``, ``gguf`` or ``hub``."""


def resolve(name: str, *, say: store.Say | None = None) -> ResolvedModel:
    """Find a model, fetching or converting it where its name asks for that.

    Args:
        name: bundled name, folder, GGUF file or Hub id.
        say: where to announce a download or a conversion.

    Raises:
        ModelError: nothing of that name, no weights, pickled weights, no network.
        AssetError: a bundled model could not be fetched or verified, or is under terms that
            nobody has accepted.
    """
    path = Path(name).expanduser()
    if name in bundled_names():
        from mores.weights.assets import asset_folder

        folder = asset_folder(name, say=say)
        _compared(folder)
        return _in_folder(name, folder, "bundled")
    if path.is_dir():
        return _in_folder(name, path, "folder")
    if path.suffix == ".gguf":
        return _in_folder(name, _converted(path, say), "gguf")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        return _in_folder(name, from_hub(name, say), "hub")
    raise ModelError(
        f"there is no model {name!r}{did_you_mean(name, bundled_names())}",
        fix="name a bundled model (`mores models`), a folder, a .gguf file or a Hub id "
        "such as HuggingFaceTB/SmolLM2-360M",
    )


def bundled_names() -> list[str]:
    """Names of the models that ship inside registry packages."""
    from mores.weights.assets import list_assets

    return [asset.name for asset in list_assets() if asset.kind == "model"]


def _in_folder(name: str, folder: Path, source: str) -> ResolvedModel:
    refuse_pickle(folder)
    return ResolvedModel(name, str(folder), folder_digest(folder), source)


def refuse_pickle(folder: Path) -> None:
    """Refuse a folder whose only weights would have to be unpickled.

    Raises:
        ModelError: no weights at all, or only ``.bin``, ``.pt`` and the like.
    """
    if any(folder.glob("*.safetensors")):
        return
    pickled = [
        p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in folder.glob(pattern)
    ]
    if pickled:
        raise ModelError(
            f"only pickled weights here ({', '.join(sorted(pickled)[:3])}); "
            "unpickling can run any code, so mores refuses it",
            path=folder,
            fix="convert them to safetensors where you trust them, for example with "
            "`model.save_pretrained(folder)` in transformers",
        )
    raise ModelError(
        "no weights here (*.safetensors)",
        path=folder,
        fix="name a folder that holds config.json and *.safetensors",
    )


def folder_digest(folder: Path) -> str:
    """Digest of everything in a model folder that decides its outputs.

    A file is read once in a process, unless its size or time has changed since.
    """
    files = sorted({p for pattern in _DIGESTED for p in folder.glob(pattern)})
    return store.digest({p.name: _digest(p) for p in files})


def _compared(folder: Path) -> None:
    """Take the digests of an asset's files from its manifest, which they were just held against."""
    manifest = read_manifest(folder)
    for name, digest in manifest.outputs.items() if manifest else ():
        _read[folder / name] = (_stamp(folder / name), digest)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


_read: dict[Path, tuple[tuple[int, int, int], str]] = {}


def _digest(path: Path) -> str:
    now = _stamp(path)
    before = _read.get(path)
    if before is None or before[0] != now:
        _read[path] = before = (now, store.digest_file(path))
    return before[1]


def _converted(path: Path, say: store.Say | None) -> Path:
    """Convert a GGUF file once; the folder's name carries the file's digest."""
    import shutil
    import tempfile

    from mores.weights.gguf import convert_gguf

    if not path.exists():
        raise ModelError("no such file", path=path, fix="check the path")
    digest = store.digest_file(path).removeprefix("sha256:")[:16]
    target = store.cache_folder() / "gguf" / f"{path.stem}-{digest}"
    if (target / "config.json").exists():
        return target
    if say:
        say(f"converting {path.name} to safetensors, once (into {target})")
    with store.disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            convert_gguf(path, Path(temporary) / "model")
            if not target.exists():
                shutil.move(Path(temporary) / "model", target)
    return target


def from_hub(name: str, say: store.Say | None) -> Path:
    """Return the folder of a Hub model: from the local cache, else downloaded. No pickles.

    Raises:
        ModelError: no network, no such model, or ``MORES_OFFLINE`` or ``HF_HUB_OFFLINE`` set.
    """
    from huggingface_hub import snapshot_download

    patterns = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
    except Exception:  # noqa: BLE001 - not cached; the Hub client has many kinds of error
        switches = ("MORES_OFFLINE", "HF_HUB_OFFLINE")
        if any(os.environ.get(switch, "") not in ("", "0") for switch in switches):
            raise ModelError(
                f"{name} is not in the local Hub cache, and this process is set to stay offline",
                fix="unset HF_HUB_OFFLINE and MORES_OFFLINE, or name a local folder",
            ) from None
    if say:
        say(f"fetching {name} from the Hugging Face Hub; see its card for the licence")
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # noqa: BLE001 - any failure here is the network's or the name's
        raise ModelError(
            f"{name} could not be fetched from the Hugging Face Hub: {str(error).splitlines()[0]}",
            fix="check the id and the network, or download it elsewhere and name its folder",
        ) from None
