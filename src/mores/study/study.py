"""A study: a folder of plain files, and its configuration with where each value came from.

    study.toml          name, models, and whatever differs from the preset
    charter.toml        categories and position statements
    values.jsonl        samples that reflect the positions
    control.jsonl       samples of the same size and style that do not
    prompts.jsonl       held-out evaluation questions
    stance.jsonl        held-out questions, each with an answer for and one against the position
    variants.jsonl      the same prompts and pairs asked in other ways
    associations.toml   stems for the co-occurrence measure
    consult.toml        what people are asked about the charter; consult/ has their answers
    runs/<preset>/      everything computed

Configuration is laid in four layers, later ones win: defaults (this file),
the preset (`presets/*.toml`), study.toml, and ``--set`` on the command line.

    study = load_study(Path("examples/wellbeing"), preset="quick")
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from mores import store
from mores.errors import DataError, StudyError, did_you_mean
from mores.records import (
    Charter,
    Dataset,
    Example,
    Prompt,
    Record,
    Split,
    StancePair,
    Variant,
)
from mores.study.config import ModelSpec, StudyConfig
from mores.study.languages import fault
from mores.study.layers import check_keys, flatten, merge, nest, parse_override, read_preset


class Group(Record, frozen=True, kw_only=True):
    """One social group and the stems that texts about it start with."""

    name: str
    stems: Annotated[tuple[str, ...], Meta(min_length=1)]


class Topic(Record, frozen=True, kw_only=True):
    """Groups that are compared with each other."""

    name: str
    groups: Annotated[tuple[Group, ...], Meta(min_length=2)]


class Associations(Record, frozen=True, kw_only=True):
    """The stems of the co-occurrence measure."""

    version: str = "1.0.0"
    source: str = ""
    topics: Annotated[tuple[Topic, ...], Meta(min_length=1)]


@dataclass(frozen=True)
class Study:
    """A study folder with its resolved configuration; data files are read on first use."""

    folder: Path
    config: StudyConfig
    origins: dict[str, str]
    """Dotted configuration key → ``default``, ``preset quick``, ``study.toml`` or ``--set``."""
    place: str = ""
    """Folder below the preset's, for a variant of the study; empty for the study itself."""
    kept: frozenset[str] | None = None
    """Ids of the samples that a variant trains on; None for all."""

    def with_config(self, config: StudyConfig) -> Study:
        """Return the same study with other settings."""
        return replace(self, config=config)

    def again(self) -> Study:
        """Return the same study, whole, with nothing of its data files read yet."""
        return replace(self, kept=None)

    def model(self, name: str | None) -> ModelSpec:
        """Return one of its models by name; None: the first.

        Raises:
            StudyError: it has no such model.
        """
        names = [spec.name for spec in self.config.models]
        if name is not None and name not in names:
            raise StudyError(
                f"the study has no model {name!r}{did_you_mean(name, names)}",
                where="--model",
                fix="models: " + ", ".join(names),
            )
        return self.config.models[names.index(name) if name is not None else 0]

    def only(self, model: str) -> Study:
        """Return the study with one of its models, the others left out."""
        models = tuple(spec for spec in self.config.models if spec.name == model)
        return self.with_config(msgspec.structs.replace(self.config, models=models))

    def variant(self, place: str, config: StudyConfig, kept: frozenset[str] | None = None) -> Study:
        """Return the study with other settings or fewer samples, and results in a place apart."""
        return replace(self, place=place, config=config, kept=kept)

    @property
    def run_folder(self) -> Path:
        """Where this preset's results are kept."""
        return self.folder / "runs" / self.config.preset / self.place

    @cached_property
    def charter(self) -> Charter:
        """The charter; every category differs."""
        from mores.study.charter import read_charter

        return read_charter(self.folder / "charter.toml")

    @cached_property
    def values(self) -> Dataset:
        """Samples that reflect the positions."""
        return self._dataset("values")

    @cached_property
    def control(self) -> Dataset:
        """Samples of the same form that do not."""
        return self._dataset("control")

    def dataset(self, arm: str) -> Dataset:
        """Return the training set of a tuned arm."""
        return self.control if arm == "control" else self.values

    @cached_property
    def prompts(self) -> tuple[Prompt, ...]:
        """All evaluation prompts, in file order."""
        path = self.folder / "prompts.jsonl"
        prompts = store.read_jsonl(path, Prompt)
        if not prompts:
            raise DataError("no prompts", path=path, fix="write at least one evaluation question")
        for number, prompt in enumerate(prompts, 1):
            self._known_category(prompt.category, path, prompt.id, number)
            known_language(prompt, path, number)
        return tuple(prompts)

    @cached_property
    def chosen_prompts(self) -> tuple[Prompt, ...]:
        """The test prompts of the configured prompt set."""
        name = self.config.sample.prompt_set
        chosen = tuple(p for p in self.prompts if p.split == "test" and name in p.presets)
        if not chosen:
            known = sorted({s for p in self.prompts for s in p.presets})
            raise StudyError(
                f"no test prompt belongs to the prompt set {name!r}{did_you_mean(name, known)}",
                path=self.folder / "prompts.jsonl",
                fix=f"sets in the file: {', '.join(known) or 'none'}",
            )
        return chosen

    @cached_property
    def stance(self) -> tuple[StancePair, ...]:
        """The pairs of the stance measure, in file order; empty where the study has none."""
        path = self.folder / "stance.jsonl"
        if not path.exists():
            return ()
        pairs = store.read_jsonl(path, StancePair)
        for number, pair in enumerate(pairs, 1):
            self._known_category(pair.category, path, pair.id, number)
            known_language(pair, path, number)
        return tuple(pairs)

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """The variants of test prompts and pairs, in file order; empty where there are none."""
        from mores.study.variants import read_variants

        path = self.folder / "variants.jsonl"
        return read_variants(
            path,
            {p.id: self.language_of(p) for p in self.prompts},
            {p.id: self.language_of(p) for p in self.stance},
        )

    def language_of(self, record: Prompt | StancePair) -> str:
        """The language that a prompt or pair is in: its own, or the charter's."""
        return record.language or self.charter.language

    def pairs(self, split: Split) -> tuple[StancePair, ...]:
        """The stance pairs of one split."""
        return tuple(pair for pair in self.stance if pair.split == split)

    @cached_property
    def associations(self) -> Associations | None:
        """Stems of the co-occurrence measure, or None where the study has none."""
        path = self.folder / "associations.toml"
        if not path.exists():
            return None
        return store.as_record(store.read_toml(path), Associations, path=path)

    def _dataset(self, name: str) -> Dataset:
        path = self.folder / f"{name}.jsonl"
        if not path.exists() and all(spec.imported for spec in self.config.models):
            return Dataset(name=name, examples=())  # nothing is tuned here
        examples = store.read_jsonl(path, Example)
        if not examples:
            raise DataError("no samples", path=path, fix="write some, or `mores import` a file")
        for number, example in enumerate(examples, 1):
            self._known_category(example.category, path, example.id, number)
        kept = (e for e in examples if self.kept is None or e.id in self.kept)
        return Dataset(name=name, examples=tuple(kept))

    def _known_category(self, category: str, path: Path, record: str, number: int) -> None:
        known = list(self.charter.categories)
        if category not in known:
            raise DataError(
                f"unknown category {category!r}{did_you_mean(category, known)}",
                path=path,
                where=f"id {record!r}, record {number}",
                fix="categories of charter.toml: " + ", ".join(known),
            )


def known_language(record: Prompt | StancePair, path: Path, number: int) -> None:
    """Refuse a language that is none.

    Raises:
        DataError: its tag is not one of BCP 47.
    """
    from mores.study.charter import TAGS

    if record.language and (why := fault(record.language)):
        raise DataError(why, path=path, where=f"id {record.id!r}, record {number}", fix=TAGS)


def load_study(
    folder: Path, *, preset: str | None = None, overrides: tuple[str, ...] = ()
) -> Study:
    """Read study.toml and resolve its configuration.

    Args:
        folder: the study's folder.
        preset: preset to use instead of the one that study.toml names.
        overrides: ``key=value`` pairs with dotted keys, values in TOML syntax.

    Raises:
        StudyError: no study there, unknown key (with a suggestion), wrong type or value.
    """
    folder = Path(folder)
    path = folder / "study.toml"
    if not path.exists():
        raise StudyError(
            "there is no study.toml here",
            path=folder,
            fix=f"start a study with `mores init {folder}`, or give the folder of one",
        )
    own = store.read_toml(path)
    flags = dict(parse_override(text) for text in overrides)
    chosen, chooser = (
        own.get("preset", "palms-2021"),
        "study.toml" if "preset" in own else "default",
    )
    if flags.get("preset") is not None:
        chosen, chooser = flags.pop("preset"), "--set"
    if preset is not None:
        chosen, chooser = preset, "--preset"
    layers: list[tuple[str, dict[str, Any]]] = [
        (f"preset {chosen}", read_preset(str(chosen))),
        ("study.toml", {k: v for k, v in own.items() if k != "preset"}),
        ("--set", nest(flags)),
        (chooser, {"preset": chosen}),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        check_keys(layer, StudyConfig, path if origin == "study.toml" else None, origin)
        merge(merged, layer, origins, origin)
    try:
        config = msgspec.convert(merged, StudyConfig)
    except (msgspec.ValidationError, ValueError) as error:
        raise StudyError(
            store.readable(str(error), merged),
            path=path,
            fix="`mores plan` shows every setting and where its value came from",
        ) from None
    return Study(folder=folder, config=config, origins=origins)


def settings(study: Study) -> list[tuple[str, str, str]]:
    """Return every setting as (dotted key, value as JSON, origin), in declared order."""
    rows = []
    for key, value in flatten(msgspec.to_builtins(study.config)):
        origin = study.origins.get(key)
        while origin is None and "." in key:  # a list or table set as a whole
            key_up = key.rpartition(".")[0]
            origin = study.origins.get(key_up)
            if origin is None and "." not in key_up:
                break
            if origin is None:
                break
        rows.append((key, json.dumps(value, ensure_ascii=False), origin or "default"))
    return rows
