"""Is a pack what it says? Offline, with the core of mores alone, no weights at hand.

found = verify(Path("wellbeing-full.zip"))
found.differences, [check.said for check in found.checks if check.state == "not checked"]
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from mores import store
from mores.progress import Progress
from mores.release.pack import checks
from mores.release.pack.again import remade, shown
from mores.release.pack.model import Verified
from mores.release.pack.unpacked import refuse_outside, unpack_all
from mores.release.pack.weights import weights as weights_of


def verify(
    file: Path,
    *,
    weights: Path | None = None,
    signers: Path | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Check a pack: digests, signature, seal, audit chain; and make its report again from it.

    Nothing is fetched, and no model is needed. Each difference is named by file and record, or by
    its place in the report; what could not be checked is said in words (docs/pack.md). The exit
    code is 1 where something differs, 2 where the file is no pack.

    Args:
        file: the pack.
        weights: a folder in which weights may lie, such as a run's; each is compared with its
            digest.
        signers: a TOML file of names and keys, as signers.toml of a study: one of them must have
            signed.
        progress: where to say how far it is.

    Returns:
        What was checked, what could not be, and every difference.

    Raises:
        DataError: no zip, cut short, climbing paths, links, a bomb; no pack; one of a newer form.
        StoreError: there is no room to unpack it.
    """
    progress = progress or Progress(quiet=True)
    with TemporaryDirectory() as name:
        pack = unpack_all(file, Path(name))
        index = pack.index
        refuse_outside(pack.tree.study, file)
        found = [
            checks.digests(pack),
            checks.container(pack),
            checks.signature(pack, signers),
            checks.seal(pack),
        ]
        found += [checks.audit(pack), checks.manifests(pack), checks.answers(pack)]
        progress.say(f"verify: {len(index.files)} files unpacked; making the report again")
        again, differing, compared = remade(pack)
        found += [(again, differing), shown(pack), weights_of(pack, weights)]
    return Verified(
        file=str(file),
        digest=store.digest_file(file),
        study=index.study,
        version=index.version,
        preset=index.preset,
        level=index.level,
        mores_version=index.mores_version,
        checks=tuple(check for check, _ in found),
        compared=compared,
        differences=tuple(dict.fromkeys(one for _, bad in found for one in bad)),
    )
