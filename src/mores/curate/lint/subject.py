"""What the rules look at: a study's samples and prompts, each with its place in its file.

Takes a `Study` (or datasets), gives a `Subject`.

    subject = read_subject(load_study(Path("examples/wellbeing")))
    subject.values[0].place          # "values.jsonl:1"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from mores import store
from mores.curate.foreign import Foreign
from mores.curate.text import Run, words
from mores.records import Charter, Dataset, Example, Prompt, StancePair, Variant
from mores.study import Study
from mores.study.signoff import SignOff, sign_off
from mores.weights.special_tokens import special_tokens

Part = Literal["values", "control", "prompts", "stance"]
CONFIRM = "confirm"
"""The preset of a study that means to confirm."""
Lines = Mapping[str, int]
"""Id of a record → its line in its file."""


@dataclass(frozen=True)
class Item:
    """One record of the study and where it is."""

    part: Part
    line: int
    record: Example | Prompt | StancePair

    @property
    def path(self) -> str:
        """File name, relative to the study folder."""
        return f"{self.part}.jsonl"

    @property
    def place(self) -> str:
        """File and line, as editors understand them."""
        return f"{self.path}:{self.line}"

    @property
    def id(self) -> str:
        """Id of the record."""
        return self.record.id

    @property
    def category(self) -> str:
        """Category of the record."""
        return self.record.category

    @property
    def question(self) -> str:
        """The question: of a sample or a pair its prompt, of an evaluation prompt its text."""
        return self.record.text if isinstance(self.record, Prompt) else self.record.prompt

    @property
    def answer(self) -> str:
        """The answer of a sample; empty for an evaluation prompt, which has none."""
        return self.record.completion if isinstance(self.record, Example) else ""

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Each of its texts after what it is: ``question``, and of a sample ``answer``."""
        question = ("question", self.question)
        if isinstance(self.record, StancePair):
            return question, ("aligned", self.record.aligned), ("opposed", self.record.opposed)
        return (question,) if self.part == "prompts" else (question, ("answer", self.answer))

    @property
    def split(self) -> str:
        """``validation`` or ``test`` of a prompt or a pair; empty for a sample."""
        return "" if isinstance(self.record, Example) else self.record.split

    @property
    def near(self) -> str:
        """Id of the sample that an evaluation prompt is meant to be like; mostly empty."""
        return self.record.near if isinstance(self.record, Prompt) else ""

    @cached_property
    def question_words(self) -> Run:
        """Words of the question."""
        return words(self.question)

    @cached_property
    def answer_words(self) -> Run:
        """Words of the answer."""
        return words(self.answer)


@dataclass(frozen=True, eq=False)
class Subject:
    """Everything that a rule may look at."""

    charter: Charter
    values: tuple[Item, ...]
    control: tuple[Item, ...]
    prompts: tuple[Item, ...]
    pairs: tuple[Item, ...] = ()
    """Of stance.jsonl."""
    foreign: tuple[Foreign, ...] = ()
    """What the study's models make of the answers, where they were asked."""
    license: str = ""
    """Licence of the whole study, where study.toml gives one."""
    special_tokens: tuple[str, ...] = ()
    """Of the tokenizers of the study's models, as far as they are on this machine."""
    seed: int = 2021
    """Seed of the rules that draw at random (permutations, folds)."""
    variants: tuple[Variant, ...] = ()
    """Of variants.jsonl."""
    signoff: SignOff | None = None
    """Who has signed what; None where that was not looked at."""
    required: tuple[str, ...] = ()
    """Kinds of things that must be signed."""
    confirming: bool = False
    """Whether the study means to confirm: what it requires is then an error where it lacks."""

    @property
    def samples(self) -> tuple[Item, ...]:
        """Values and control samples, in this order."""
        return (*self.values, *self.control)

    @property
    def items(self) -> tuple[Item, ...]:
        """Every record of the study."""
        return (*self.samples, *self.prompts, *self.pairs)

    def part(self, name: Part) -> tuple[Item, ...]:
        """Return the records of one file."""
        return {
            "values": self.values,
            "control": self.control,
            "prompts": self.prompts,
            "stance": self.pairs,
        }[name]


def read_subject(study: Study) -> Subject:
    """Read a study's data files with the line of every record.

    Raises:
        DataError: a file is missing, damaged or has an unknown category.
    """

    def lines(part: Part) -> dict[str, int]:
        path = study.folder / f"{part}.jsonl"
        rows = store.read_rows(path) if path.exists() else []
        return {str(row.get("id")): number for number, row in rows}

    subject = as_subject(
        study.charter,
        study.values,
        study.control,
        study.prompts,
        study.stance,
        license=study.config.license,
        special_tokens=tuple(
            sorted({t for spec in study.config.models for t in special_tokens(spec.name)})
        ),
        seed=study.config.seed,
        lines={part: lines(part) for part in ("values", "control", "prompts", "stance")},
    )
    return replace(
        subject,
        variants=study.variants,
        signoff=sign_off(study),
        required=study.config.signoff.required,
        confirming=study.config.preset == CONFIRM,
    )


def as_subject(
    charter: Charter,
    values: Dataset,
    control: Dataset,
    prompts: tuple[Prompt, ...],
    pairs: tuple[StancePair, ...] = (),
    *,
    license: str = "",  # noqa: A002  the name that study.toml uses
    special_tokens: tuple[str, ...] = (),
    seed: int = 2021,
    lines: Mapping[Part, Lines] | None = None,
) -> Subject:
    """Build a subject from records; without `lines`, record n is taken to be on line n."""

    def items(part: Part, records: Sequence[Example | Prompt | StancePair]) -> tuple[Item, ...]:
        known = (lines or {}).get(part, {})
        return tuple(Item(part, known.get(r.id, n), r) for n, r in enumerate(records, 1))

    return Subject(
        charter=charter,
        values=items("values", values.examples),
        control=items("control", control.examples),
        prompts=items("prompts", prompts),
        pairs=items("stance", pairs),
        license=license,
        special_tokens=special_tokens,
        seed=seed,
    )
