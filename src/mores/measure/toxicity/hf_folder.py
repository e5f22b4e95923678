"""Where a sequence classifier lies on this machine: a local folder or a Hub snapshot.

Takes a folder or a Hub id, gives a folder with safetensors; pickles are not even
downloaded.

    found = classifier_folder("unitary/unbiased-toxic-roberta")
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mores import store
from mores.errors import ModelError

_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model")


@dataclass(frozen=True)
class ClassifierFolder:
    """A classifier's files, its name for reports and its revision."""

    folder: Path
    name: str
    """The Hub id, or the base name of a local folder: no path of this machine."""
    revision: str
    """The Hub's commit, or ``local``."""

    def digest(self) -> str:
        """Return the digest of weights, configuration and tokenizer."""
        files = sorted({p for pattern in _WANTED for p in self.folder.glob(pattern)})
        return store.digest({p.name: store.digest_file(p) for p in files})


def classifier_folder(model: str, *, say: store.Say | None = None) -> ClassifierFolder:
    """Find a classifier, fetching it from the Hub only if it is a Hub id and not cached.

    Args:
        model: a folder, or a Hub id ``owner/name``.
        say: where to announce a download.

    Raises:
        ModelError: neither; no safetensors; no network, or ``MORES_OFFLINE`` set.
    """
    path = Path(model).expanduser()
    if model and path.is_dir():
        found = ClassifierFolder(path, path.resolve().name, "local")
    elif re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", model):
        folder = _snapshot(model, say)
        found = ClassifierFolder(folder, model, folder.name)
    else:
        raise ModelError(
            f"there is no classifier {model!r}",
            fix="after hf: give a folder, or a Hub id such as unitary/unbiased-toxic-roberta",
        )
    _check(found)
    return found


def _check(found: ClassifierFolder) -> None:
    if not (found.folder / "config.json").exists():
        raise ModelError("no config.json: not a model of transformers", path=found.name)
    if any(found.folder.glob("*.safetensors")):
        return
    pickles = sorted(
        p.name for end in ("bin", "pt", "pth", "h5") for p in found.folder.glob(f"*.{end}")
    )
    raise ModelError(
        f"no safetensors{' but ' + ', '.join(pickles) if pickles else ''}: weights that must be "
        "unpickled are refused, for unpickling can run any code",
        path=found.name,
        fix="take a revision or a copy with safetensors",
    )


def _offline() -> bool:
    return any(
        os.environ.get(name, "") not in ("", "0") for name in ("MORES_OFFLINE", "HF_HUB_OFFLINE")
    )


def _snapshot(name: str, say: store.Say | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED), local_files_only=True))
    # The Hub client has a dozen kinds of error for "not cached"; none matters here.
    except Exception:  # noqa: BLE001
        if _offline():
            raise ModelError(
                "not in the local Hub cache, and this process is set to stay offline",
                where=name,
                fix="unset MORES_OFFLINE and HF_HUB_OFFLINE, or give a local folder",
            ) from None
    if say:
        say(f"fetching {name} from the Hugging Face Hub; its card gives the licence")
    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except Exception as error:  # noqa: BLE001 (any failure here is the network's or the name's)
        raise ModelError(
            f"could not be fetched from the Hugging Face Hub: {str(error).splitlines()[0][:200]}",
            where=name,
            fix="check the id and the network, or fetch it elsewhere and give its folder",
        ) from None
