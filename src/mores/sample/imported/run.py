"""A table of outputs of any system → the completions that `sample` would have left.

result = import_outputs(study, Path("outputs.csv"), arm=("sd-tuned=values_targeted",))
result.models[0].answers, result.models[0].warnings
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from mores import store
from mores.errors import DataError, did_you_mean
from mores.execute import alone
from mores.progress import Progress
from mores.records import Completion, Count, Record
from mores.sample.flags import flags
from mores.sample.grid import COMPLETIONS
from mores.sample.imported.captions import clean_captions
from mores.sample.imported.clean import clean
from mores.sample.imported.rows import Place, Reading, Row, Targets, read_rows
from mores.sample.imported.step import ImportedGrid
from mores.sample.imported.telling import telling
from mores.sample.media import ABOUT, Media, media_folder
from mores.sample.requests import Request, completion_id
from mores.step import Made
from mores.study import ArmKey, ModelSpec, Study
from mores.tables import Notes, name_map

GAP = "the imported table has no row for it"


class ImportedModel(Record, frozen=True, kw_only=True):
    """What was imported of one model."""

    model: str
    answers: Count
    """Rows that are answers now."""
    absent: dict[str, Count]
    """Arm → answers that the study asks for and the table does not have."""
    kinds: dict[str, Count]
    """``text``, ``image``, ``audio``, ``video`` → answers."""
    warnings: tuple[str, ...] = ()
    """What raters could tell the arms by, and what is missing for some of them."""


class ImportedOutputs(Record, frozen=True, kw_only=True):
    """What an import of outputs did."""

    models: tuple[ImportedModel, ...]
    notes: tuple[str, ...]
    """What was renamed or left out on reading."""


def import_outputs(
    study: Study,
    file: Path,
    *,
    arm: tuple[str, ...] = (),
    encoding: str | None = None,
    sheet: str | None = None,
    map_: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> ImportedOutputs:
    """Take answers of any system into the study: texts, images, sounds, films.

    The table (CSV, JSON or Excel) has the columns arm, prompt and text or file, and perhaps model,
    seed, draw, alt, captions. Files are decoded and encoded anew, so that nothing in them tells the
    arm. All of the table is imported, or nothing; answers that a model had before are replaced.

    Args:
        study: the study, with a model whose engine is "imported".
        file: the table; files that it names are relative to it.
        arm: what one of the table's arms is here, such as sd-tuned=values_targeted (may be
            repeated).
        encoding: of a CSV that is neither UTF-8 nor UTF-16, such as cp1252.
        sheet: name of the sheet of an Excel file; by default its first.
        map_: what a column is, where it has another name, such as prompt=question (may be
            repeated).
        progress: where to show how far it is.

    Raises:
        DataError: an unknown model, arm or prompt, a row twice (with the line), an arm without any
            answer, a file that climbs out of the table's folder or does not decode.
        StudyError: a library for images, sounds or films is not installed.
        StoreError: another process is at work in this study.
    """
    progress = progress or Progress(quiet=True)
    targets, notes = Targets.of(study), Notes()
    reading = Reading(encoding, sheet, name_map(map_), _arms(arm, targets))
    rows = read_rows(file, targets, reading, notes)
    mine = {
        spec: own
        for spec in targets.models
        if (own := {p: r for p, r in rows.items() if p[0] == spec.name})
    }
    if not mine:
        raise DataError("no row of a prompt that is put to the arms", path=file)
    for spec, own in mine.items():
        _refuse_silence(spec, own, targets.keys, file)
    with alone(study.run_folder):
        bar = progress.task("outputs", sum(bool(r.file) for r in rows.values()), "files")
        made: dict[ModelSpec, _Brought] = {}
        try:
            for spec, own in mine.items():
                made[spec] = _Brought(study, spec, file, bar.advance)
                made[spec].take(own)
            for brought in made.values():
                brought.keep(mine[brought.spec], targets)
        finally:
            for brought in made.values():
                shutil.rmtree(brought.fresh, ignore_errors=True)
        bar.finish()
    return ImportedOutputs(models=tuple(one.result() for one in made.values()), notes=notes.lines())


def _arms(pairs: Sequence[str], targets: Targets) -> dict[str, str]:
    """Return ``{"sd-tuned": "values_targeted"}`` of ``["sd-tuned=values_targeted"]``."""
    known: list[str] = list(dict.fromkeys(key.arm for key in targets.keys))
    arms: dict[str, str] = {}
    for pair in pairs:
        theirs, mark, ours = (part.strip() for part in pair.rpartition("="))
        if not (theirs and mark) or theirs in arms:
            raise DataError(
                f"--arm {pair}: expected the table's name, an equals sign and ours, each once",
                fix="such as --arm sd-tuned=values_targeted",
            )
        if ours not in known:
            raise DataError(
                f"--arm {pair}: the study has no arm {ours!r}{did_you_mean(ours, known)}",
                fix=f"arms of study.toml: {', '.join(known)}",
            )
        arms[theirs] = ours
    return arms


def _refuse_silence(
    spec: ModelSpec, rows: Mapping[Place, Row], keys: Sequence[ArmKey], file: Path
) -> None:
    there = {place[1] for place in rows}
    if silent := [key.name for key in keys if key not in there]:
        raise DataError(
            f"no row of arm {', '.join(silent)}: a whole arm is no gap",
            path=file,
            where=f"model {spec.name!r}",
            fix="leave arms that the system does not have out of study.toml (arms = [...]), or say "
            "what they are called: --arm theirs=ours",
        )


class _Brought:
    """The answers of one model on their way into the study."""

    def __init__(
        self, study: Study, spec: ModelSpec, file: Path, on_file: Callable[[int], None]
    ) -> None:
        self.study, self.spec, self.file = study, spec, file
        self.on_file = on_file
        self.folder = media_folder(study, spec.name)
        self.fresh = self.folder.with_name(".media.new")
        self.media: dict[Place, Media] = {}
        self.rows: list[Completion] = []

    def take(self, rows: Mapping[Place, Row]) -> None:
        """Decode every file into a folder beside the study's own."""
        shutil.rmtree(self.fresh, ignore_errors=True)
        for place, row in rows.items():
            if row.file:
                self.media[place] = self._taken(place, row)
                self.on_file(1)

    def _taken(self, place: Place, row: Row) -> Media:
        try:
            made = clean(inside(self.file.parent, row.file), row.file)
            said = clean_captions(inside(self.file.parent, row.captions)) if row.captions else ""
            if said and made.kind != "video":
                raise DataError(
                    f"captions of the kind {made.kind}: only films show them",
                    fix="put what is to be read into alt",
                )
        except DataError as error:  # the table's line: that is where it can be mended
            raise DataError(
                f"{row.file!r}: {error.message}", path=self.file, line=row.line, fix=error.fix
            ) from None
        name = f"{store.digest_bytes(made.data).removeprefix('sha256:')}.{made.ending}"
        store.write_bytes(self.fresh / name, made.data)
        return Media(
            completion_id=self._id(place),
            file=name,
            kind=made.kind,
            bytes=len(made.data),
            width=made.width,
            height=made.height,
            seconds=made.seconds,
            rate=made.rate,
            channels=made.channels,
            alt=row.alt,
            captions=said,
        )

    def _id(self, place: Place) -> str:
        _, key, prompt, draw = place
        return completion_id(self.spec.name, Request(key, prompt, "", draw, ()))

    def keep(self, rows: Mapping[Place, Row], targets: Targets) -> None:
        """Put files and completions where readers look; the manifest comes last."""
        step = ImportedGrid(self.study, self.spec).step(None)
        self.rows = [
            self._completion((self.spec.name, key, prompt, draw), rows, targets)
            for key in targets.keys
            for prompt in targets.prompts
            for draw in range(targets.draws)
        ]
        if self.media:
            self.folder.mkdir(parents=True, exist_ok=True)
        for one in {m.file for m in self.media.values()}:
            with store.disk_errors(self.folder / one):
                (self.fresh / one).replace(self.folder / one)
        store.write_jsonl(step.folder / COMPLETIONS, self.rows)
        ordered = {m.completion_id: m for m in self.media.values()}
        about = [ordered[c.id] for c in self.rows if c.id in ordered]
        store.write_jsonl(step.folder / ABOUT, about)
        done = self.result()
        step.complete(
            Made(
                [COMPLETIONS, ABOUT],
                facts={
                    "completions": len(self.rows),
                    "tokens": 0,
                    "absent": sum(done.absent.values()),
                    "imported": {"table": store.digest_file(self.file), "kinds": done.kinds},
                },
            )
        )

    def _completion(self, place: Place, rows: Mapping[Place, Row], targets: Targets) -> Completion:
        _, key, prompt, draw = place
        row, media = rows.get(place), self.media.get(place)
        made = Completion(
            id=self._id(place),
            prompt_id=prompt,
            category=targets.prompts[prompt].category,
            model=self.spec.name,
            arm=key.arm,
            seed=key.seed,
            draw=draw,
            text=row.text if row else "",
            finish_reason="stop" if row else "absent",
            prompt_tokens=0,
            tokens=0,
            flags=flags(row.text) if row and media is None else (),
            absent="" if row else GAP,
        )
        return replace(made, media=media.file) if media else made

    def result(self) -> ImportedModel:
        """What was imported."""
        gaps = Counter(ArmKey(c.arm, c.seed).name for c in self.rows if c.absent)
        there = [c for c in self.rows if not c.absent]
        ordered = {m.completion_id: m for m in self.media.values()}
        kinds = Counter(ordered[c.id].kind if c.id in ordered else "text" for c in there)
        return ImportedModel(
            model=self.spec.name,
            answers=len(there),
            absent=dict(gaps),
            kinds=dict(kinds),
            warnings=tuple(telling(there, ordered)),
        )


def inside(folder: Path, name: str) -> Path:
    """Return a file that a table names, if it lies in the table's folder or below.

    Raises:
        DataError: an absolute path, one that climbs, or a link that leads out.
    """
    wanted = Path(name)
    bad = wanted.is_absolute() or ".." in wanted.parts or "\\" in name or not name.isprintable()
    path = folder / wanted
    if bad or not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"{name!r} leads out of the table's folder",
            fix="put the files beside the table or in a folder below it, with / between",
        )
    return path
