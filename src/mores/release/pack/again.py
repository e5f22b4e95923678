"""The report once more, from what a pack holds, beside the one that it shows.

check, differences, compared = remade(pack)     every number and verdict
check, differences = shown(pack)                page and figures, drawn from the report
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, MoresError
from mores.release.pack.compare import compare, in_words, under
from mores.release.pack.model import INDEX, REPORT, Check, Difference
from mores.release.pack.people import as_json
from mores.release.pack.reduce import OF_TEXTS, TAKEN
from mores.release.pack.tree import ENVIRONMENT, as_plain
from mores.release.pack.unpacked import Unpacked
from mores.report.headlines import headlines
from mores.report.model import Report
from mores.report.run import DATA, PAGE
from mores.step import versions

NAME = f"{REPORT}/{DATA}"
OF_A_RUN = ("study", "study_version", "preset", "seed", "command", "inputs", "settings")
"""Places of a report that say of what it is: named before all that follows from them."""
OF_PEOPLE = "/consult"
"""Where the step lies that is made from answers which no pack holds."""
MOST = 40
"""Differences of the report that are listed."""


def remade(pack: Unpacked) -> tuple[Check, list[Difference], int]:
    """Make the report again and compare every value.

    What is not in the pack is named in words. At the least level of disclosure nothing can be made
    again but what follows from the report itself.
    """
    try:
        said = _said(pack)
        if pack.index.level == "figures":
            found, own = _follows(said), {"headlines": said["headlines"]}
        else:
            given = _given(pack)
            found, own = pack.tree.report(given), said
    except MoresError as error:
        return *_failed(str(error)), 0
    except Exception as error:  # noqa: BLE001 - whatever changed data make of it is a finding
        return *_failed(f"{type(error).__name__}: {error}"), 0
    apart = (*ENVIRONMENT, *pack.index.kept)
    compared, places = compare(own, found)
    bad = [
        Difference(file=NAME, where=where, said=in_words(one), found=in_words(other))
        for where, one, other in places
        if not under(where, apart)
    ]
    bad += _claimed(pack, said)
    bad.sort(key=lambda one: not under(one.where, OF_A_RUN))
    if bad and under(bad[0].where, OF_A_RUN):
        other = "a report of other inputs or settings: of another run"
        bad.insert(0, Difference(file=NAME, said=other, found="those in this pack"))
    if len(bad) > MOST:
        rest = Difference(file=NAME, said="as reported", found=f"{len(bad) - MOST} more differ")
        bad = [*bad[:MOST], rest]
    if bad:
        what = f"the report does not follow from what is in the pack: {len(bad)} places differ"
        return Check(what="report", state="differs", said=what), bad, compared
    return Check(what="report", state="holds", said=_words(pack, compared)), [], compared


def _given(pack: Unpacked) -> dict[str, str | None]:
    """States of steps that are taken over: of a full pack that of people's answers alone."""
    given = dict(pack.index.changed)
    if pack.index.level != "full":
        return given
    return {step: why for step, why in given.items() if step.endswith(OF_PEOPLE)}


def _claimed(pack: Unpacked, said: dict[str, Any]) -> list[Difference]:
    """What pack.json says of the report and may not: it is no evidence for itself."""
    index = pack.index
    may = TAKEN if index.level == "full" else (*TAKEN, *OF_TEXTS)
    bad = [
        Difference(file=INDEX, where=f"kept: {place}", said="taken over", found="has to be made")
        for place in index.kept
        if not under(place, may)
    ]
    if index.level == "full" and (hidden := set(index.changed) - set(_given(pack))):
        steps = ", ".join(sorted(hidden))
        told = "states of steps that a full pack shows by itself"
        bad.append(Difference(file=INDEX, where="changed", said=steps, found=told))
    named = {
        "mores_version": (index.mores_version, said.get("mores_version")),
        "study": (index.study, said.get("study")),
        "version": (index.version, said.get("study_version")),
        **{
            f"base_models: {one['name']}": (index.base_models.get(one["name"]), one["digest"])
            for one in said.get("models", ())
            if one["name"] in index.base_models
        },
    }
    return bad + [
        Difference(file=INDEX, where=where, said=str(one), found=f"{other} in the report")
        for where, (one, other) in named.items()
        if one != other
    ]


def _said(pack: Unpacked) -> dict[str, Any]:
    found: dict[str, Any] = store.read_json(pack.folder / NAME)
    if not isinstance(found, dict):
        raise DataError("not a report", path=NAME)
    return found


def _follows(said: dict[str, Any]) -> dict[str, Any]:
    """What follows from a report's own numbers: its verdicts in words."""
    report = store.as_record(said, Report)
    changes = []
    for one in report.cooccurrence:
        rows = [
            c
            for c in one["result"]["changes"]
            if (c["arm"], c["reference"]) == ("values_targeted", "control")
            and c["shown"] is not None
        ]
        if rows:
            tested, shown = sum(c["tested"] for c in rows), sum(c["shown"] or 0 for c in rows)
            changes.append((one["model"], tested, shown))
    made = headlines(
        [m.name for m in report.models],
        report.estimates,
        report.toxicity,
        changes,
        report.ratings if report.ratings.ratings else None,
    )
    return as_plain({"headlines": made})


def _words(pack: Unpacked, compared: int) -> str:
    level, kept = pack.index.level, pack.index.kept
    if level == "figures":
        return (
            f"the verdicts in words follow from the numbers of the report ({compared} values). The "
            "numbers themselves cannot be made again: what they come from is not in this pack"
        )
    parts = [f"{compared - len(kept)} values made again from the records, all equal"]
    if kept:
        tops = dict.fromkeys(one.partition(".")[0].partition("[")[0] for one in kept)
        parts.append(f"taken over as packed, for what they rest on is not here: {', '.join(tops)}")
    if pack.index.changed:
        steps = ", ".join(sorted(pack.index.changed))
        parts.append(
            "whether these results are of the study as it then was, was judged when packing and "
            f"cannot be judged from this pack: {steps}"
        )
    return "; ".join(parts)


def shown(pack: Unpacked) -> tuple[Check, list[Difference]]:
    """Draw page and figures from the report in the pack and compare the bytes."""
    here = versions()["mores"]
    if here != pack.index.mores_version:
        said = f"page and figures were drawn by mores {pack.index.mores_version}, here is {here}"
        return Check(what="page and figures", state="not checked", said=said), []
    try:
        files = shown_files(store.as_record(_said(pack), Report))
    except MoresError as error:
        return _failed(str(error), "page and figures")
    except Exception as error:  # noqa: BLE001 - whatever changed data make of it is a finding
        return _failed(f"{type(error).__name__}: {error}", "page and figures")
    bad = [
        Difference(file=f"{REPORT}/{name}", said="as in the pack", found="as the report gives it")
        for name, data in files.items()
        if not _same(pack.folder / REPORT / name, data)
    ]
    if bad:
        said = f"{len(bad)} files are not what the report gives"
        return Check(what="page and figures", state="differs", said=said), bad
    said = f"{len(files)} files are what the report gives"
    return Check(what="page and figures", state="holds", said=said), []


def shown_files(report: Report) -> dict[str, bytes]:
    """Return what a pack shows of a report: its data, its page, its figures as SVG.

    The figures as PNG are left to `mores report`: they are the same once more, and their bytes
    differ with the version of what draws them.
    """
    from mores.report.figures import figures
    from mores.report.page import render

    drawn = figures(report)
    return {
        DATA: as_json(report),
        PAGE: render(report, drawn).encode(),
        **{f"figures/{name}.svg": figure.svg_file for name, figure in drawn.items()},
    }


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _failed(message: str, what: str = "report") -> tuple[Check, list[Difference]]:
    bad = [
        Difference(file=NAME, said="a report of this pack", found=f"it cannot be made: {message}")
    ]
    return Check(what=what, state="differs", said=message), bad
