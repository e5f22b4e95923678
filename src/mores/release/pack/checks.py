"""What can be checked of an unpacked pack without making the report again.

Each function returns a `Check` and the differences that it rests on.
"""

from __future__ import annotations

import zlib
from collections import Counter
from pathlib import Path

from mores import store
from mores.errors import MoresError
from mores.json_text import parse
from mores.plan.seal import intact, plan_path, read_plan
from mores.rate.unblind import ACTION
from mores.release.pack.archive import gapless, write
from mores.release.pack.chain import Chain, broken
from mores.release.pack.model import AUDIT, INDEX, PURPOSE, SIGNATURE, STUDY, Check, Difference
from mores.release.pack.unpacked import Unpacked
from mores.sample.grid import COMPLETIONS
from mores.sample.run import SAMPLE, iter_completions, sample_step
from mores.step import MANIFEST, judging, read_manifest
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.study.signoff.keys import Signers, fingerprint, holding, key_of

Found = tuple[Check, list[Difference]]
UNSIGNED = (
    "it is not signed: whoever had it in hand could have changed data and made all digests and the "
    "report anew. A digest that you got by another way, or a signature, would show that nobody has"
)


def digests(pack: Unpacked) -> Found:
    """Every file against its digest."""
    bad = list(pack.differences)
    said = f"{len(pack.index.files)} files have the digests that {INDEX} lists"
    return _check("digests", bad, said), bad


def container(pack: Unpacked) -> Found:
    """The zip file itself: the bytes that packing this content gives, and none besides."""
    files: dict[str, bytes | Path] = {INDEX: pack.index_bytes}
    files |= {SIGNATURE: pack.signature} if pack.signature else {}
    files |= {one.path: pack.folder / one.path for one in pack.index.files}
    if pack.differences:
        return Check(what="zip file", state="not checked", said="its content differs already"), []
    again = pack.folder / "again.zip"
    write(again, files)
    if store.digest_file(again) == store.digest_file(pack.path):
        return Check(what="zip file", state="holds", said="byte for byte what packing gives"), []
    if not gapless(pack.path):
        bad = Difference(
            file=pack.path.name,
            said="files one after another, and nothing besides",
            found="bytes between the files or after the end",
        )
        return Check(what="zip file", state="differs", said=bad.found), [bad]
    if pack.index.zlib != zlib.ZLIB_RUNTIME_VERSION:
        said = f"compressed by zlib {pack.index.zlib}, here is {zlib.ZLIB_RUNTIME_VERSION}"
        return Check(what="zip file", state="not checked", said=said), []
    bad = Difference(
        file=pack.path.name,
        said="the bytes that packing this content gives",
        found="others: between the files, in their headers, or after the end",
    )
    return Check(what="zip file", state="differs", said=bad.found), [bad]


def signature(pack: Unpacked, signers: Path | None) -> Found:
    """The signature over pack.json, and whose it is.

    Raises:
        DataError: the file of signers cannot be read.
    """
    known = store.as_record(store.read_toml(signers), Signers, path=signers) if signers else None
    if not pack.signature:  # pack.json is what is signed, and has the digests of all else
        if known is not None:
            bad = [Difference(file=SIGNATURE, said="nothing", found="signers are given for it")]
            return Check(what="signature", state="differs", said=UNSIGNED), bad
        return Check(what="signature", state="not checked", said=UNSIGNED), []
    try:
        made = str(parse(pack.signature.decode("utf-8"))["signature"])
        key = key_of(made, PURPOSE)
    except (ValueError, KeyError, TypeError) as error:
        return _wrong_signature(f"cannot be read: {error}")
    holds = holding(pack.index_bytes, made, key, PURPOSE)
    if holds is None:
        said = "signed, and neither ssh-keygen nor the extra `keys` is here to verify it"
        return Check(what="signature", state="not checked", said=said), []
    if not holds:
        return _wrong_signature(f"is over another {INDEX}")
    mark = fingerprint(key)
    if known is None:
        said = f"signed with the key {mark}; whose it is, --signers would say"
        return Check(what="signature", state="holds", said=said), []
    names = [one.name for one in known.signers if one.key.split()[1] == key]
    if not names:
        return _wrong_signature(f"is by the key {mark}, which {signers} does not name")
    return Check(what="signature", state="holds", said=f"signed by {names[0]} ({mark})"), []


def _wrong_signature(why: str) -> Found:
    bad = [Difference(file=SIGNATURE, said=f"a signature of {INDEX}", found=f"it {why}")]
    return Check(what="signature", state="differs", said=f"the signature {why}"), bad


def seal(pack: Unpacked) -> Found:
    """The sealed plan: is it the one that was sealed?"""
    study = pack.tree.study
    name = f"{STUDY}/{plan_path(study).relative_to(study.folder).as_posix()}"
    try:
        plan = read_plan(study)
    except MoresError as error:
        return _failed("seal", name, error)
    if plan is None:
        said = "no plan was sealed: nothing shows what the study meant to show before it began"
        return Check(what="seal", state="not checked", said=said), []
    bad = []
    if not intact(plan):
        bad = [Difference(file=name, said=f"digest {plan.digest}", found="content of another plan")]
    return _check("seal", bad, f"the plan is the one sealed on {plan.sealed}: {plan.digest}"), bad


def audit(pack: Unpacked) -> Found:
    """The chains of the apps' logs, as far as they can be followed without persons."""
    path = pack.folder / AUDIT
    try:
        rows = store.read_json(path)
        chains = [store.as_record(one, Chain, path=path) for one in rows]
    except (MoresError, TypeError) as error:
        return _failed("audit chain", AUDIT, error)
    if not chains:
        opened = folders.ratings_folder(pack.tree.study) / "collected.json"
        said = "no log of an app is in this pack"
        said += ", though the key was opened in one" if opened.is_file() else ""
        return Check(what="audit chain", state="not checked", said=said), []
    bad = [
        Difference(file=AUDIT, where=chain.app, said="a chain of entries", found=why)
        for chain in chains
        if (why := broken(chain))
    ]
    opened = folders.ratings_folder(pack.tree.study) / "collected.json"
    rating = next((one for one in chains if one.app == "rating"), None)
    if rating and opened.is_file() and all(link.action != ACTION for link in rating.links):
        bad.append(
            Difference(
                file=AUDIT,
                where="rating",
                said="no entry about opening the key",
                found="ratings with an opened key",
            )
        )
    heads = "; ".join(f"{one.app}: {len(one.links)} entries, head {one.head}" for one in chains)
    said = (
        f"{heads}; the entries follow on each other. Who did what is not in a pack, so only the "
        "owner can show an entry's content"
    )
    return _check("audit chain", bad, said), bad


def manifests(pack: Unpacked) -> Found:
    """What each step says to have made, against what is there."""
    if pack.index.level == "figures":
        said = "what steps have made is not in this pack"
        return Check(what="manifests", state="not checked", said=said), []
    left_out = {one.path for one in pack.index.left_out}
    weights = {one.path: one.digest for one in pack.index.left_out if one.why == "weights"}
    known = {one.file for one in pack.differences}
    home, bad, count = pack.tree.study.folder, list[Difference](), 0
    with pack.tree.counting():
        for name in pack.tree.files:
            if name.rpartition("/")[2] != MANIFEST:
                continue
            folder = (home / name).parent
            try:
                manifest = read_manifest(folder)
            except MoresError as error:
                return _failed("manifests", f"{STUDY}/{name}", error)
            for output, digest in manifest.outputs.items() if manifest else ():
                inside = f"{name.rpartition('/')[0]}/{output}"
                path = folder / output
                if inside in weights and weights[inside] != digest:
                    said = f"{digest} by the manifest of its step"
                    named = weights[inside]
                    bad.append(Difference(file=INDEX, where=inside, said=named, found=said))
                if inside in left_out or not path.resolve().is_relative_to(home.resolve()):
                    continue
                count += 1
                there = store.digest_file(path) if path.is_file() else "not there"
                if there != digest and f"{STUDY}/{inside}" not in known:
                    said = f"{digest} by the manifest of its step"
                    bad.append(Difference(file=f"{STUDY}/{inside}", said=said, found=there))
    return _check("manifests", bad, f"{count} results are the ones that their steps made"), bad


def answers(pack: Unpacked) -> Found:
    """One answer of each arm to each prompt in each draw: none removed, none added."""
    if pack.index.level == "figures":
        said = "answers are not in this pack"
        return Check(what="answers", state="not checked", said=said), []
    try:
        return _answers(pack)
    except MoresError as error:
        return _failed("answers", f"{STUDY}/", error)


def _answers(pack: Unpacked) -> Found:
    study, bad, count = pack.tree.study, list[Difference](), 0
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    planned = {
        (prompt.id, key.name, draw)
        for key in keys
        for prompt in study.chosen_prompts
        for draw in range(study.config.sample.draws)
    }
    with judging(pack.tree.absolute(pack.index.changed)):
        specs = [spec for spec in study.config.models if _drawn(study, spec)]
    for spec in specs:
        folder = folders.model_folder(study, spec.name) / SAMPLE
        name = f"{STUDY}/{folder.relative_to(study.folder).as_posix()}/{COMPLETIONS}"
        rows = iter_completions(study, spec.name)
        drawn = Counter((c.prompt_id, ArmKey(c.arm, c.seed).name, c.draw) for c in rows)
        there = set(drawn)
        count += len(there)
        bad += [_answer(name, one, "once", f"{n} times") for one, n in drawn.items() if n > 1]
        bad += [_answer(name, one, "planned", "not there") for one in sorted(planned - there)]
        bad += [_answer(name, one, "not planned", "there") for one in sorted(there - planned)]
    if not specs:
        said = "no model's answers are of the plan as it is now"
        return Check(what="answers", state="not checked", said=said), []
    said = f"{count} answers: one of each arm to each prompt in each draw"
    return _check("answers", bad, said), bad


def _drawn(study: Study, spec: ModelSpec) -> bool:
    """Whether a model's answers were drawn, by mores, for the prompts and arms that there are."""
    step = sample_step(study, spec)
    drawn = step.manifest is not None and "draws" in step.manifest.config
    return drawn and step.changed() is None


def _answer(file: str, one: tuple[str, str, int], said: str, found: str) -> Difference:
    prompt, arm, draw = one
    where = f"the answer of {arm} to {prompt!r}, draw {draw}"
    return Difference(file=file, where=where, said=said, found=found)


def _check(what: str, bad: list[Difference], said: str) -> Check:
    if not bad:
        return Check(what=what, state="holds", said=said)
    return Check(what=what, state="differs", said=f"{len(bad)} differences")


def _failed(what: str, file: str, error: Exception) -> Found:
    message = error.message if isinstance(error, MoresError) else str(error)
    bad = [Difference(file=file, said="a file that can be read", found=message)]
    return Check(what=what, state="differs", said=message), bad
