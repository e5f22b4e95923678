"""Where a sequence classifier lies on this machine: a local folder or a Hub snapshot.

Takes a folder or a Hub id, gives a folder with safetensors; pickles are not even
downloaded.

    classifier_folder("unitary/unbiased-toxic-roberta")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mores import store
from mores.errors import ModelError
from mores.weights.resolve import from_hub

_DIGESTED = ("*.safetensors", "*.json", "*.txt", "*.model")


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
        files = sorted({p for pattern in _DIGESTED for p in self.folder.glob(pattern)})
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
        classifier = ClassifierFolder(path, path.resolve().name, "local")
    elif re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", model):
        folder = from_hub(model, say)
        classifier = ClassifierFolder(folder, model, folder.name)
    else:
        raise ModelError(
            f"there is no classifier {model!r}",
            fix="after hf: give a folder, or a Hub id such as unitary/unbiased-toxic-roberta",
        )
    _check(classifier)
    return classifier


def _check(classifier: ClassifierFolder) -> None:
    if not (classifier.folder / "config.json").exists():
        raise ModelError("no config.json: not a model of transformers", path=classifier.name)
    if any(classifier.folder.glob("*.safetensors")):
        return
    pickles = sorted(
        p.name for end in ("bin", "pt", "pth", "h5") for p in classifier.folder.glob(f"*.{end}")
    )
    raise ModelError(
        f"no safetensors{' but ' + ', '.join(pickles) if pickles else ''}: weights that must be "
        "unpickled are refused, for unpickling can run any code",
        path=classifier.name,
        fix="take a revision or a copy with safetensors",
    )
