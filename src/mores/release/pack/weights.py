"""The weights that a pack names by digest, against a folder in which they may lie."""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.errors import DataError
from mores.release.pack.model import Check, Difference
from mores.release.pack.unpacked import Unpacked
from mores.weights.resolve import folder_digest


def weights(pack: Unpacked, folder: Path | None) -> tuple[Check, list[Difference]]:
    """Look for the weights of every tuned arm and base model, by digest.

    Args:
        pack: names them.
        folder: where they may lie, such as the run's own folder; None where none is at hand.

    Raises:
        DataError: there is no such folder.
    """
    wanted = {one.path: one.digest for one in pack.index.left_out if one.why == "weights"}
    named = len(wanted) + len(pack.index.base_models)
    if folder is None:
        said = f"{named} digests of weights; give --weights FOLDER where they are at hand"
        return Check(what="weights", state="not checked", said=said), []
    if not folder.is_dir():
        raise DataError("no such folder", path=folder, fix="check --weights")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.rpartition("/")[2] for path in wanted}
    there = {path: store.digest_file(path) for path in files if path.name in names}
    models = sorted({path.parent for path in files if path.suffix == ".safetensors"})
    bases = {folder_digest(model) for model in models}
    known = set(there.values())
    bad = [
        Difference(file=name, said=digest, found=f"{other} in {path}")
        for name, digest in wanted.items()
        for path, other in there.items()
        if digest not in known and _same_place(path, folder, name)
    ]
    missing = [n for n, d in wanted.items() if d not in known and n not in {b.file for b in bad}]
    missing += [f"base {n}" for n, d in pack.index.base_models.items() if d not in bases]
    if bad:
        said = f"{len(bad)} of {named} are other weights than those of the report"
        return Check(what="weights", state="differs", said=said), bad
    found = named - len(missing)
    said = f"{found} of {named} found, with the digests of the report"
    if missing:
        said += f"; not at hand: {', '.join(missing)}"
    return Check(what="weights", state="holds" if found else "not checked", said=said), []


def _same_place(path: Path, folder: Path, name: str) -> bool:
    """Whether a file stands where the run had it: the same model, arm and name."""
    inside = path.relative_to(folder).parts
    return len(inside) > 1 and inside == Path(name).parts[-len(inside) :]
