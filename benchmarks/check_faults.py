"""Faults that are planted in clean studies, each of a kind that one rule must find.

Takes a `Draft` and a generator of random numbers; changes the draft and gives
the ids of the records that now hold the fault (none for a fault of a whole file).

    ids = FAULTS["M101"]["answer too short"](draft, np.random.default_rng(1))
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from check_corpus import CATEGORIES, Draft, Row, answer, draw

EXAMPLES, FOREIGN = Path(__file__).parents[1] / "examples", ("es-escucha", "ar-musanada")
Plant = Callable[[Draft, np.random.Generator], set[str]]


def _pick(rows: list[Row], rng: np.random.Generator) -> Row:
    return rows[int(rng.integers(len(rows)))]


def _two(draft: Draft, rng: np.random.Generator) -> tuple[Row, Row]:
    rows = draft.values + draft.control
    i, j = rng.choice(len(rows), size=2, replace=False)
    return rows[int(i)], rows[int(j)]


def _insert(text: str, piece: str, rng: np.random.Generator) -> str:
    """Put a piece between two words."""
    parts = text.split(" ")
    at = int(rng.integers(1, len(parts)))
    return " ".join([*parts[:at], piece, *parts[at:]])


def _shout(text: str, rng: np.random.Generator) -> str:
    """Change case and punctuation only."""
    return re.sub(r"[.,;:?](?=\s|$)", "", text).upper() if rng.random() < 0.5 else f'"{text}" !'


# M1xx ------------------------------------------------------------------------------------------


def too_short(draft: Draft, rng: np.random.Generator) -> set[str]:
    """An answer of 5 to 39 words."""
    row = _pick(draft.values + draft.control, rng)
    row["completion"] = " ".join(answer(60, rng).split()[: int(rng.integers(5, 40))])
    return {row["id"]}


def too_long(draft: Draft, rng: np.random.Generator) -> set[str]:
    """An answer of 341 to 500 words."""
    row = _pick(draft.values + draft.control, rng)
    row["completion"] = " ".join(answer(520, rng).split()[: int(rng.integers(341, 501))])
    return {row["id"]}


DAMAGES: dict[str, Callable[[str], str]] = {
    "only blanks": lambda _: " \n ",
    "control character": lambda text: text.replace(" ", " \x07", 1),
    "replacement character": lambda text: text.replace("e", "\ufffd", 1),
    "half a surrogate pair": lambda text: text.replace(" ", " \ud83d", 1),
    "zero-width space": lambda text: text.replace(" ", " \u200b", 1),
    "direction override": lambda text: text.replace(" ", " \u202e", 1),
    "UTF-8 read as Windows-1252": lambda text: f"{text} It’s “Ça va, Zoë’s café".encode().decode(
        "cp1252"
    ),
    "UTF-8 read as Latin-1": lambda text: f"{text} Zoë has déjà vu".encode().decode("latin-1"),
    "HTML entity": lambda text: text.replace(" ", " &amp; ", 1),
}
"""Kind of damage → what it does to a text."""


def damaged(kind: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """Damage one question, answer or prompt."""
    field, rows = [
        ("prompt", draft.values + draft.control),
        ("completion", draft.values + draft.control),
        ("text", draft.prompts),
    ][int(rng.integers(3))]
    row = _pick(rows, rng)
    row[field] = DAMAGES[kind](row[field])
    return {row["id"]}


SPECIAL = ("<|im_end|>", "</s>", "<|endoftext|>", "<start_of_turn>", "[INST]", "<|eot_id|>")


def with_special_token(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A mark of a chat template at the end of an answer."""
    row = _pick(draft.values + draft.control, rng)
    row["completion"] += SPECIAL[int(rng.integers(len(SPECIAL)))]
    return {row["id"]}


def in_other_words(field: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """A text of our studies in other languages, where the charter declares English."""
    row = _pick(draft.values + draft.control, rng)
    row[field] = _pick(_foreign_samples(), rng)[field]
    return {row["id"]}


@cache
def _foreign_samples() -> list[Row]:
    places = (
        EXAMPLES / name / f"{part}.jsonl" for name in FOREIGN for part in ("values", "control")
    )
    return [json.loads(line) for place in places for line in place.read_text("utf-8").splitlines()]


# M2xx ------------------------------------------------------------------------------------------


def same(field: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """A sample's question or answer again in another, in other case or punctuation."""
    first, second = _two(draft, rng)
    second[field] = _shout(first[field], rng)
    return {first["id"], second["id"]}


def edited_copy(share: float, draft: Draft, rng: np.random.Generator) -> set[str]:
    """An answer copied with a share of its words replaced by words of the old one."""
    first, second = _two(draft, rng)
    words, other = first["completion"].split(" "), second["completion"].split()
    for at in rng.choice(len(words), size=round(share * len(words)), replace=False):
        words[int(at)] = other[int(rng.integers(len(other)))]
    second["completion"] = " ".join(words)
    return {first["id"], second["id"]}


def leaked_question(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A sample that asks an evaluation prompt."""
    row, prompt = _pick(draft.values + draft.control, rng), _pick(draft.prompts, rng)
    row["prompt"] = _shout(prompt["text"], rng)
    return {row["id"], prompt["id"]}


def leaked_run(draft: Draft, rng: np.random.Generator) -> set[str]:
    """Eight or more words of a prompt in the middle of an answer."""
    row, prompt = _pick(draft.values + draft.control, rng), _pick(draft.prompts, rng)
    prompt["text"] = f"{draw('question', rng)} {draw('question', rng)}"
    # Letters only, so that eight pieces between blanks are eight words.
    words = re.sub(r"[^A-Za-z ]", "", prompt["text"]).split()
    at = int(rng.integers(0, len(words) - 8 + 1))
    prompt["text"] = " ".join(words) + "?"
    row["completion"] = _insert(row["completion"], " ".join(words[at : at + 8]), rng)
    return {row["id"], prompt["id"]}


@cache
def paraphrases(grade: str) -> list[tuple[str, str]]:
    """Return the pairs of a grade, ``light``, ``reworded`` or ``free``."""
    text = Path(__file__).with_name("check_paraphrases.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [(row["question"], row["paraphrase"]) for row in rows if row["grade"] == grade]


def reworded(grade: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """An evaluation prompt and a sample that ask the same in other words."""
    pairs = paraphrases(grade)
    pair = list(pairs[int(rng.integers(len(pairs)))])
    rng.shuffle(pair)
    row, prompt = _pick(draft.values + draft.control, rng), _pick(draft.prompts, rng)
    row["prompt"], prompt["text"] = pair
    return {row["id"], prompt["id"]}


# M3xx ------------------------------------------------------------------------------------------


def uncovered(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A set or a split that lacks a category."""
    category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
    which = int(rng.integers(4))
    if which == 0:
        draft.values = [r for r in draft.values if r["category"] != category]
    elif which == 1:
        draft.control = [r for r in draft.control if r["category"] != category]
    else:
        split = ("test", "validation")[which - 2]
        draft.prompts = [
            r for r in draft.prompts if (r["category"], r["split"]) != (category, split)
        ]
    return set()


def unbalanced(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A category of a set cut to two to four samples of ten."""
    category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
    keep = int(rng.integers(2, 5))

    def cut(rows: list[Row]) -> list[Row]:
        inside = [row["id"] for row in rows if row["category"] == category]
        return [row for row in rows if row["id"] not in inside[keep:]]

    if rng.random() < 0.5:
        draft.values = cut(draft.values)
    else:
        draft.control = cut(draft.control)
    return set()


def smaller(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A control set that lacks one to twenty samples."""
    draft.control = draft.control[: len(draft.control) - int(rng.integers(1, 21))]
    return set()


# M4xx ------------------------------------------------------------------------------------------


def control_answers(
    change: Callable[[str, np.random.Generator], str],
    share: float,
    draft: Draft,
    rng: np.random.Generator,
) -> set[str]:
    """Change the form of a share of the control answers."""
    return _changed(draft.control, "completion", change, share, rng)


def _changed(
    rows: list[Row],
    field: str,
    change: Callable[[str, np.random.Generator], str],
    share: float,
    rng: np.random.Generator,
) -> set[str]:
    for row in rows:
        if rng.random() < share:
            row[field] = change(row[field], rng)
    return set()


def shorter(keep: float, text: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    """Keep the first part of an answer."""
    words = text.split(" ")
    return " ".join(words[: round(keep * len(words))])


def joined(text: str, rng: np.random.Generator) -> str:
    """Join about every third sentence to the one before."""

    def join(match: re.Match[str]) -> str:
        return f" and {match[1].lower()}" if rng.random() < 1 / 3 else match[0]

    return re.sub(r"\. ([A-Z])", join, text)


def repetitive(text: str, rng: np.random.Generator) -> str:
    """Replace every sixth word by one of six words."""
    few = ("thing", "good", "place", "people", "often", "really")
    return " ".join(few[int(rng.integers(6))] if rng.random() < 1 / 6 else w for w in text.split())


def without_commas(text: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    """Delete the commas."""
    return text.replace(",", "")


def as_list(text: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    """Turn sentences into list items."""
    return "\n".join(f"- {part}" for part in re.split(r"(?<=\.)\s+", text))


def with_opener(text: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    """Open with the word that a hesitant speaker opens with."""
    return f"Well, {text[0].lower()}{text[1:]}"


def disordered(share: float, draft: Draft, rng: np.random.Generator) -> set[str]:
    """One answer, a share of whose words have changed places."""
    row = _pick(draft.values + draft.control, rng)
    row["completion"] = mixed(share, row["completion"], rng)
    return {row["id"]}


def disordered_set(share: float, draft: Draft, rng: np.random.Generator) -> set[str]:
    """The same in every values answer."""
    for row in draft.values:
        row["completion"] = mixed(share, row["completion"], rng)
    return set()


def mixed(share: float, text: str, rng: np.random.Generator) -> str:
    """Let a share of the words change places with each other."""
    parts = text.split(" ")
    places = rng.choice(len(parts), size=round(share * len(parts)), replace=False)
    for place, word in zip(places, [parts[i] for i in rng.permutation(places)], strict=True):
        parts[place] = word
    return " ".join(parts)


def lopsided(draft: Draft, rng: np.random.Generator) -> set[str]:
    """A stance pair, one of whose answers is 35 to 60 % longer than the other."""
    row = _pick(draft.pairs, rng)
    one, other = rng.permutation(["aligned", "opposed"]).tolist()
    size = math.ceil(len(row[other].split()) * rng.uniform(1.35, 1.6))
    row[one] = " ".join(f"{row[one]} {answer(100, rng)}".split()[:size])
    return {row["id"]}


def opposed_answers(
    change: Callable[[str, np.random.Generator], str],
    share: float,
    draft: Draft,
    rng: np.random.Generator,
) -> set[str]:
    """Change the form of the opposed answers of a share of the stance pairs."""
    return _changed(draft.pairs, "opposed", change, share, rng)


def denying(text: str, rng: np.random.Generator) -> str:
    """Say no somewhere."""
    return _insert(text, "not", rng)


# M5xx ------------------------------------------------------------------------------------------


def quoted(draft: Draft, rng: np.random.Generator) -> set[str]:
    """Six to twelve words of a position in an answer."""
    row = _pick(draft.values, rng)
    words = re.sub(r"[^A-Za-z ]", "", draft.statements[row["category"]]).split()
    draft.statements[row["category"]] = " ".join(words)
    length = int(rng.integers(6, 13))
    at = int(rng.integers(0, len(words) - length + 1))
    row["completion"] = _insert(row["completion"], " ".join(words[at : at + length]), rng)
    return {row["id"]}


def monotone(draft: Draft, rng: np.random.Generator) -> set[str]:
    """Five to ten of forty answers with one opener."""
    for i in rng.choice(len(draft.values), size=int(rng.integers(5, 11)), replace=False):
        row = draft.values[int(i)]
        row["completion"] = f"It depends: {row['completion']}"
    return set()


PERSONAL = {
    "e-mail address": ("mara.lindqvist@posteo.net", "j_t.okafor+news@uni-graz.ac.at"),
    "telephone number": (
        "+44 20 7946 0018",
        "(212) 736-5000",
        "0341 9607-812",
        "+49 (30) 901820",
        "06 12 34 56 78",
        "415-867-5309",
    ),
    "IBAN": ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"),
    "payment card": ("4111 1111 1111 1111", "5500-0055-5555-5559", "378282246310005"),
    "national identity number": ("219-09-9999", "QQ 12 34 56 C".replace("QQ", "JX")),
    "street address": ("42 Harbour View Road", "Lindenstraße 17", "1600 Amphitheatre Boulevard"),
}
"""Kind of personal data → made-up or published test examples of it."""


def personal(kind: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """Personal data in an answer."""
    row = _pick(draft.values + draft.control, rng)
    examples = PERSONAL[kind]
    row["completion"] = _insert(row["completion"], examples[int(rng.integers(len(examples)))], rng)
    return {row["id"]}


def unread(draft: Draft, rng: np.random.Generator) -> set[str]:
    """Let a model have written a sample, as `mores draft` marks it, and nobody have read it."""
    row = _pick(draft.values + draft.control, rng)
    row["source"] = "draft by smollm2-135m, from the position"
    row["reviewer"] = ""
    return {row["id"]}


def anonymous(field: str, draft: Draft, rng: np.random.Generator) -> set[str]:
    """A sample without author or licence."""
    row = _pick(draft.values + draft.control, rng)
    row[field] = ""
    return {row["id"]}


FAULTS: dict[str, dict[str, Plant]] = {
    "M101": {"5 to 39 words": too_short, "341 to 500 words": too_long},
    "M102": {kind: partial(damaged, kind) for kind in DAMAGES},
    "M103": {"a mark of a chat template": with_special_token},
    "M104": {
        "a question in Spanish or Arabic": partial(in_other_words, "prompt"),
        "an answer in Spanish or Arabic": partial(in_other_words, "completion"),
    },
    "M201": {
        "question again": partial(same, "prompt"),
        "answer again": partial(same, "completion"),
    },
    "M202": {
        f"answer again, {share:.0%} of its words replaced": partial(edited_copy, share)
        for share in (0.1, 0.2, 0.3)
    },
    "M210": {"prompt as question": leaked_question},
    "M211": {"8 words of a prompt in an answer": leaked_run},
    "M212": {
        "lightly edited": partial(reworded, "light"),
        "same words, other sentence": partial(reworded, "reworded"),
        "same meaning, other words": partial(reworded, "free"),
    },
    "M301": {"a category missing": uncovered},
    "M302": {"2 to 4 samples where others have 10": unbalanced},
    "M303": {"1 to 20 of 40 control samples missing": smaller},
    "M401": {
        "control answers cut to 80 %": partial(control_answers, partial(shorter, 0.8), 1.0),
        "control answers cut to 60 %": partial(control_answers, partial(shorter, 0.6), 1.0),
    },
    "M402": {"every third control sentence joined": partial(control_answers, joined, 1.0)},
    "M403": {"every sixth control word one of six": partial(control_answers, repetitive, 1.0)},
    "M404": {
        "half of the control answers without commas": partial(control_answers, without_commas, 0.5),
        "no control answer with commas": partial(control_answers, without_commas, 1.0),
    },
    "M405": {"half of the control answers as lists": partial(control_answers, as_list, 0.5)},
    "M406": {
        "every second control answer with one opener": partial(control_answers, with_opener, 0.5)
    },
    "M408": {
        "half of an answer's words in another order": partial(disordered, 0.5),
        "a fifth of an answer's words in another order": partial(disordered, 0.2),
        "half of the words of every values answer": partial(disordered_set, 0.5),
    },
    "M409": {
        "an answer 35 to 60 % longer than the other": lopsided,
        "opposed answers without commas": partial(opposed_answers, without_commas, 1.0),
        "a third of the opposed answers with another opener": partial(
            opposed_answers, with_opener, 1 / 3
        ),
        "a negation in three of four opposed answers": partial(opposed_answers, denying, 0.75),
    },
    "M501": {"6 to 12 words of the position": quoted},
    "M502": {"5 to 10 of 40 answers open alike": monotone},
    "M503": {kind: partial(personal, kind) for kind in PERSONAL},
    "M504": {
        "no author": partial(anonymous, "author"),
        "no licence": partial(anonymous, "license"),
    },
    "M505": {"a model's draft without a reviewer": unread},
}
"""Rule id → kind of fault → how to plant it."""
