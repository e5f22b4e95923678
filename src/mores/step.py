"""One step of the process: run it or keep it, say why it is stale, write its manifest and time.

    step = Step("sample", folder, inputs={"prompts": digest}, config={"draws": 3}, seed=7)
    step.why()                  None where what lies in the folder is current, else why not
    step.run(make, say=print)   keep it, or let ``make`` write the files and note what they rest on

The manifest is written last: it is the mark that a step is complete. Its inputs are digests, so a
step whose input was made anew is stale, and so is everything that rests on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from mores import store
from mores.errors import DataError
from mores.records import Record, to_plain

T = TypeVar("T")
MANIFEST = "manifest.json"
TIMINGS = "timings.jsonl"
PARTS = "parts"
ABSENT = "absent"
"""Stands for the digest of an input that is not there."""
NOT_RUN = "has not run"
DONE = "done before, nothing changed"


class Manifest(Record, frozen=True, kw_only=True):
    """What an artefact was made from. Times are kept apart (`log_timing`)."""

    step: str
    inputs: dict[str, str]
    """Name → digest of everything that went in."""
    outputs: dict[str, str]
    config: dict[str, Any]
    seed: int
    versions: dict[str, str]
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    """What the step found out that later steps report, such as token counts."""


@dataclass(frozen=True)
class Made:
    """What a step has written."""

    files: Sequence[str]
    """Names of the files in the step's folder."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What later steps report; goes into the manifest."""
    timing: dict[str, Any] = field(default_factory=dict)
    """What goes beside the seconds: tokens, memory. Differs between equal runs."""


@dataclass(frozen=True)
class Step:
    """What a step is made from now, and the folder that keeps what it made before."""

    name: str
    folder: Path
    inputs: Mapping[str, str | None]
    """Name → digest of everything that goes in; None where it is not looked at (a report does not
    load a scorer to ask for its digest), and then it is not compared either."""
    config: Mapping[str, Any]
    seed: int
    label: str = ""
    """What progress lines and timings call it; its name if empty."""
    log: Path | None = None
    """Folder of the timings."""
    rests_on: tuple[Step, ...] = ()
    """Steps whose results are among the inputs."""
    in_parts: bool = False
    """Whether what is done is kept in files of its own (`part`) until the step is complete."""

    @cached_property
    def manifest(self) -> Manifest | None:
        """What lies in the folder, or None where no step was completed there."""
        return read_manifest(self.folder)

    def why(self) -> str | None:
        """Say why this step must run, or return None where its result is current and intact.

        Raises:
            DataError: the manifest is damaged.
        """
        return self.changed() or damaged(self.folder, self.manifest)

    def changed(self) -> str | None:
        """Say what changed since the step ran, its files not looked at, or return None.

        Raises:
            DataError: the manifest is damaged.
        """
        known, folder = _changes.get(), self.folder.resolve()
        if known is not None and folder in known:
            return known[folder]
        found = stale(self.manifest, self.inputs, self.config)
        if known is not None:
            known[folder] = found
        return found

    def stale(self) -> str | None:
        """Say what is not current in the whole chain that leads here, or return None.

        Raises:
            DataError: a manifest is damaged.
        """
        if self.manifest is None:
            return NOT_RUN
        if why := self.why():
            return f"is not current ({why}): run it again"
        for earlier in self.rests_on:
            if why := earlier.stale():
                return f"rests on `{earlier.label or earlier.name}`, which {why}"
        return None

    def warn(self, say: store.Say) -> None:
        """Say which of the results that this step reads are not current. It reads them anyway."""
        for earlier in self.rests_on:
            why = earlier.stale()
            if why and why != NOT_RUN:
                say(f"{self.label or self.name}: `{earlier.label or earlier.name}` {why}")

    def digest(self) -> str:
        """Digest of what this step has made, for the steps that rest on it."""
        return outputs_digest(self.folder)

    def run(
        self, make: Callable[[], Made], *, say: store.Say, because: str | None = None
    ) -> Manifest:
        """Return the manifest of what is there and current, or make it.

        Args:
            make: writes the step's files into its folder.
            say: where to say whether the step runs and why.
            because: a reason to run although nothing changed.

        Raises:
            DataError: the manifest is damaged.
            StoreError: a file could not be written.
        """
        label, why = self.label or self.name, self.why() or because
        say(f"{label}: {why or DONE}")
        if (manifest := self.manifest) is None or why is not None:
            start = time.perf_counter()
            made = make()
            manifest = self.complete(made)
            if self.log is not None:
                log_timing(self.log, label, time.perf_counter() - start, **made.timing)
        if self.in_parts:  # after the manifest, so that a kill before it loses nothing
            shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        return manifest

    def part(self, made_from: Any) -> Path:
        """Where one part of the step is kept until the whole is complete.

        Args:
            made_from: all that the part depends on; another one is another file.
        """
        name = store.digest(made_from).removeprefix("sha256:")[:24]
        return self.folder / PARTS / f"{name}.jsonl"

    def journal(self) -> Journal:
        """What the step keeps line by line until it is complete; see `in_parts`."""
        return Journal(self.folder / PARTS / "journal.jsonl")

    def complete(self, made: Made) -> Manifest:
        """Write the manifest of files that lie in the folder."""
        manifest = Manifest(
            step=self.name,
            inputs={name: digest or ABSENT for name, digest in self.inputs.items()},
            outputs={name: store.digest_file(self.folder / name) for name in made.files},
            config=dict(self.config),
            seed=self.seed,
            versions=versions(),
            facts=made.facts,
        )
        write_manifest(self.folder, manifest)
        self.__dict__["manifest"] = manifest
        return manifest


Changes = dict[Path, str | None]
"""Folder of a step → what changed since it ran; None where nothing did."""
_changes: ContextVar[Changes | None] = ContextVar("changes", default=None)


@contextlib.contextmanager
def judging(changes: Changes) -> Iterator[Changes]:
    """Take as given what is said here of steps, and note what is found of the others.

    Who has no texts at hand cannot tell whether an answer is of the prompt as it reads now: who
    packed them could, and wrote it down.
    """
    token = _changes.set(changes)
    try:
        yield changes
    finally:
        _changes.reset(token)


class Journal:
    """A file that only grows, a line of JSON a record, each on disk when `append` returns.

    A last line whose writer was killed counts for nothing and is cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []
        """Complete lines, as they were found."""
        if not path.exists():
            return
        with store.disk_errors(path):
            data = path.read_bytes()
            whole = data.rfind(b"\n") + 1
            self.lines = data[:whole].splitlines()
            if whole != len(data):
                with path.open("r+b") as file:
                    file.truncate(whole)

    def records(self, kind: type[T]) -> Iterator[T]:
        """Read what was found as records.

        Raises:
            DataError: a line is none, with its number.
        """
        for number, line in enumerate(self.lines, 1):
            try:
                yield msgspec.json.decode(line, type=kind)
            except (msgspec.DecodeError, ValueError) as error:
                raise DataError(
                    f"not a line that mores wrote: {store.readable(str(error))}",
                    path=self.path,
                    line=number,
                    fix="move this file away to do its work again; a ledger is the account of what "
                    "was paid: keep it",
                ) from None

    def append(self, record: Any) -> None:
        """Add a record.

        Raises:
            StoreError: disk full, no permission.
        """
        with store.disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(record) + b"\n")
                file.flush()
                os.fsync(file.fileno())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a step's manifest: the mark that the step is complete."""
    store.write_json(folder / MANIFEST, manifest)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, or None where no step was completed there.

    Raises:
        DataError: it is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), Manifest, path=path)


def recorded(folder: Path, name: str) -> str | None:
    """Return what the manifest of a folder gives as an input, or None where it has none."""
    manifest = read_manifest(folder)
    return manifest.inputs.get(name) if manifest else None


def outputs_digest(folder: Path) -> str:
    """Digest of everything that the step kept in a folder has made; ``absent`` if there is none."""
    manifest = read_manifest(folder)
    return ABSENT if manifest is None else store.digest(manifest.outputs)


def stale(
    manifest: Manifest | None, inputs: Mapping[str, str | None], config: Mapping[str, Any]
) -> str | None:
    """Say why a step must run (what changed), or return None if it is current."""
    if manifest is None:
        return "not done yet"
    for name in [*inputs, *manifest.inputs]:
        if name in inputs and inputs[name] is None:
            continue
        if manifest.inputs.get(name) != inputs.get(name):
            return f"{name} changed"
    if store.digest(manifest.config) != store.digest(config):
        now, before = to_plain(config), manifest.config
        changed = [k for k in now if store.digest(before.get(k)) != store.digest(now[k])]
        return "configuration changed: " + ", ".join(changed or ["fewer settings"])
    return None


def damaged(folder: Path, manifest: Manifest | None) -> str | None:
    """Return what is wrong with the first output that differs from its manifest, or None."""
    for name, expected in manifest.outputs.items() if manifest else ():
        path = folder / name
        if not path.exists():
            return f"{name} is missing"
        if store.digest_file(path) != expected:
            return f"{name} was changed since it was made"
    return None


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide the numbers."""
    from importlib.metadata import PackageNotFoundError, version

    known = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("mores", "torch", "transformers", "peft", "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def log_timing(folder: Path, step: str, seconds: float, **facts: Any) -> None:
    """Append how long a step took. Kept apart from results, which stay byte-identical.

    One line at a time, also where tasks on several nodes end at once: a network file system does
    not keep lines apart by itself.
    """
    row = {"step": step, "finished": round(time.time(), 3), "seconds": round(seconds, 3), **facts}
    path = folder / TIMINGS
    fix = "stop that process; nothing is lost but a line about time"
    lock = folder / ".timings.lock"
    with (
        store.disk_errors(path),
        store.held(lock, "another process has been writing for a minute", fix=fix, seconds=60),
        path.open("a", encoding="utf-8") as file,
    ):
        file.write(json.dumps(row) + "\n")


# Rooms that are called by the name of their step -----------------------------------------------


class Room(ModuleType):
    """A module that can be called: it passes the call on to the function that has its name.

    Python gives a package's attribute to the sub-package of that name, so that a function
    `mores.tune` and a room `mores.tune` could not be there together otherwise.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take the step that the room is named after."""
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def callable_room(name: str) -> None:
    """Let a module be called by its name; the last line of the module."""
    sys.modules[name].__class__ = Room
