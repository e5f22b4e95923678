"""Task files: the four forms of a line, what is refused, what is drawn, what we ship."""

import json
from pathlib import Path

import pytest

from mores.errors import DataError
from mores.measure.capability.task import Item
from mores.measure.capability.tasks import TASKS, load_task


def write(folder: Path, *rows: object, name: str = "local.jsonl") -> str:
    path = folder / name
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_multiple_choice(tmp_path: Path) -> None:
    row = {"id": "a", "context": "It is", "choices": [" hot", " cold", " wet"], "gold": 1}
    task = load_task(write(tmp_path, row, {**row, "id": "b", "choices": [" x", " y"]}))
    assert (task.name, task.kind, task.metric) == ("local", "choice", "accuracy")
    assert task.items[0] == Item("a", "It is", (" hot", " cold", " wet"), 1)
    assert task.by_length
    assert task.chance == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_last_word(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, {"id": "a", "context": "She took the", "target": " bus"}))
    assert (task.kind, task.metric, task.chance) == ("last_word", "accuracy", None)
    assert task.items == (Item("a", "She took the", (" bus",), 0),)


@pytest.mark.parametrize("names", [("good", "bad"), ("sentence_good", "sentence_bad")])
def test_minimal_pair(tmp_path: Path, names: tuple[str, str]) -> None:
    row = dict(zip(names, ("They are.", "They is."), strict=True))
    task = load_task(write(tmp_path, row))
    assert (task.kind, task.chance, task.by_length) == ("pair", 0.5, False)
    assert task.items == (Item("1", "", ("They are.", "They is."), 0),)


def test_prose(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, {"id": "x", "text": "Bread needs time."}))
    assert (task.kind, task.metric, task.chance) == ("text", "bits per byte", None)
    assert task.items == (Item("x", "", ("Bread needs time.",), 0),)


def test_without_an_id_the_line_is_the_id(tmp_path: Path) -> None:
    path = write(tmp_path, {"text": "one"}, "", {"text": "three"})
    assert [item.id for item in load_task(path).items] == ["1", "3"]


GOOD = {"id": "ok", "context": "It is", "choices": [" hot", " cold"], "gold": 0}
MALFORMED = {
    "no json": '{"context": ',
    "not an object": "[1, 2]",
    "no known form": {"question": "what?"},
    "no gold": {"context": "It is", "choices": [" a", " b"]},
    "gold too large": {"context": "It is", "choices": [" a", " b"], "gold": 2},
    "gold negative": {"context": "It is", "choices": [" a", " b"], "gold": -1},
    "gold a word": {"context": "It is", "choices": [" a", " b"], "gold": "b"},
    "gold a fraction": {"context": "It is", "choices": [" a", " b"], "gold": 0.9},
    "gold a truth value": {"context": "It is", "choices": [" a", " b"], "gold": True},
    "one choice": {"context": "It is", "choices": [" a"], "gold": 0},
    "choices a string": {"context": "It is", "choices": "ab", "gold": 0},
    "a choice is null": {"context": "It is", "choices": [" a", None], "gold": 0},
    "a choice is a number": {"context": "It is", "choices": [" a", 5], "gold": 0},
    "no context": {"choices": [" a", " b"], "gold": 0},
    "context is null": {"context": None, "choices": [" a", " b"], "gold": 0},
    "target without context": {"target": " bus"},
    "target is null": {"context": "She took the", "target": None},
    "target is empty": {"context": "She took the", "target": ""},
    "half a pair": {"good": "They are."},
    "other half": {"sentence_bad": "They is."},
    "pair with null": {"good": "They are.", "bad": None},
    "empty text": {"text": ""},
    "text a number": {"text": 5},
    "id repeated": {**GOOD, "gold": 1},
}


@pytest.mark.parametrize("row", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_named(tmp_path: Path, row: object) -> None:
    path = write(tmp_path, GOOD, row)
    with pytest.raises(DataError) as found:
        load_task(path)
    assert (found.value.path, found.value.line) == (path, 2)


def test_a_line_of_no_known_form_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        load_task(write(tmp_path, {"question": "what?"}))
    for word in ("context", "choices", "gold", "target", "good", "bad", "text"):
        assert f'"{word}"' in str(found.value)


def test_kinds_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="several kinds: choice, text"):
        load_task(write(tmp_path, GOOD, {"text": "prose"}))


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no items"):
        load_task(write(tmp_path, ""))


def test_no_such_task(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no capability task 'lambda'; did you mean 'lambada'\?"):
        load_task("lambda")
    with pytest.raises(DataError, match="or name a JSON Lines file"):
        load_task(str(tmp_path / "absent.jsonl"))
    with pytest.raises(DataError, match="cannot be read"):
        load_task(str(tmp_path))


def many(folder: Path, count: int = 50) -> str:
    return write(folder, *({"id": f"t{i}", "text": f"text {i}"} for i in range(count)))


def test_items_are_drawn_with_the_seed_without_replacement(tmp_path: Path) -> None:
    path = many(tmp_path)
    first = load_task(path, items=20, seed=7)
    ids = [item.id for item in first.items]
    assert len(set(ids)) == 20
    assert ids == sorted(ids, key=lambda name: int(name[1:]))  # file order
    assert load_task(path, items=20, seed=7) == first
    other = load_task(path, items=20, seed=8)
    assert [item.id for item in other.items] != ids
    assert other.digest != first.digest


@pytest.mark.parametrize("items", [0, 50, 60])
def test_all_items_whatever_the_seed(tmp_path: Path, items: int) -> None:
    task = load_task(many(tmp_path), items=items, seed=3)
    assert len(task.items) == 50
    assert task.digest == load_task(many(tmp_path), seed=9).digest


def test_every_item_has_the_same_chance(tmp_path: Path) -> None:
    # 400 seeds, 10 of 50 each: 80 draws expected for each item, sd 8; five sd.
    path = many(tmp_path)
    counts: dict[str, int] = {}
    for seed in range(400):
        for item in load_task(path, items=10, seed=seed).items:
            counts[item.id] = counts.get(item.id, 0) + 1
    assert len(counts) == 50
    assert all(abs(n - 80) < 40 for n in counts.values())


def test_bundled_minimal_pairs() -> None:
    task = load_task("minimal_pairs")
    assert (task.kind, task.chance, len(task.items)) == ("pair", 0.5, 240)
    assert len({item.id for item in task.items}) == 240
    assert len({item.choices[0] for item in task.items}) == 240
    for item in task.items:
        good, bad = item.choices
        assert good != bad
        assert good == good.strip()
        assert bad == bad.strip()
        assert good[-1] in ".?!"
        # Minimal: about the same length, mostly the same words.
        assert abs(len(good.split()) - len(bad.split())) <= 3, item.id
        shared = set(good.lower().split()) & set(bad.lower().split())
        assert len(shared) >= len(set(bad.split())) / 2, item.id


def test_bundled_prose() -> None:
    task = load_task("prose")
    assert (task.kind, task.metric, len(task.items)) == ("text", "bits per byte", 24)
    assert len({item.id for item in task.items}) == 24
    for item in task.items:
        (text,) = item.choices
        assert 300 < len(text) < 3000, item.id
        assert text == text.strip()
        assert "\ufffd" not in text


def test_every_bundled_task_has_a_title() -> None:
    assert list(TASKS) == [
        "lambada",
        "hellaswag",
        "piqa",
        "arc_easy",
        "minimal_pairs",
        "prose",
    ]
    assert all(task.title for task in TASKS.values())
