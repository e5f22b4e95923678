"""Files that people write: what did not change stays to the byte."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mores.errors import StoreError
from mores.records import Accountable, Basis, Charter, Example, Position, Prompt
from mores.study.charter import read_charter
from mores.study.rewrite import rewrite_charter, rewrite_lines

WELLBEING = Path(__file__).parents[2] / "examples" / "wellbeing"
TEXT = """# What this is.
version = "1.0.0"   # of the charter

# The first one.
[[positions]]
category = "care"
title = "Care"  # short
statement = \"\"\"
Support people who ask for help, \\
and blame nobody.\"\"\"
# why this
why = "It helps."
basis = [
  # binding ones first
  { source = "A treaty", force = "binding" },
  "a book",
]

[[positions]] # second
category = "beauty"
title = "Beauty"
statement = "Beauty differs between people; offer several views."
"""


def charter(text: str = TEXT) -> Charter:
    return msgspec.convert(tomllib.loads(text), Charter)


def lines(text: str, kind=Example):
    return [msgspec.json.decode(line, type=kind) for line in text.split("\n") if line.strip()]


def test_nothing_changed_is_the_same_file():
    assert rewrite_charter(TEXT, charter()) == TEXT
    for name, kind in (("values", Example), ("control", Example), ("prompts", Prompt)):
        text = (WELLBEING / f"{name}.jsonl").read_text("utf-8")
        assert rewrite_lines(text, lines(text, kind)) == text
    path = WELLBEING / "charter.toml"
    assert rewrite_charter(path.read_text("utf-8"), read_charter(path)) == path.read_text("utf-8")
    odd = '\ufeff{"id":"a","category":"c","prompt":"p","completion":"ü"}\r\n\r\n'[1:]
    assert rewrite_lines(odd, lines(odd)) == odd


def test_one_line_of_a_file_changes_and_keeps_its_form():
    text = (
        '{"category": "c", "id": "a", "prompt": "p", "completion": "\\u00fc", "presets_": 0}\n'
    ).replace(', "presets_": 0', "")
    other = '{"id":   "b", "category": "c", "prompt": "p", "completion": "q"}\n'
    first, second = lines(text + other)
    changed = replace(first, completion="ö", reviewer="R")
    added = replace(second, id="n", suppress={"M101": "short"})
    assert rewrite_lines(text + other, [second, changed, added]) == (
        other
        + '{"category": "c", "id": "a", "prompt": "p", "completion": "\\u00f6", "reviewer": "R"}\n'
        + '{"id": "n", "category": "c", "prompt": "p", "completion": "q", '
        '"suppress": {"M101": "short"}}\n'
    )
    assert rewrite_lines(text + other, [second]) == other
    compact = '{"id":"a","category":"c","prompt":"p","completion":"ü"}\r\n'
    (one,) = lines(compact)
    assert rewrite_lines(compact, [replace(one, prompt="P")]) == compact.replace('"p"', '"P"')
    assert rewrite_lines("", [one]) == (
        '{"id": "a", "category": "c", "prompt": "p", "completion": "ü"}\n'
    )


def test_a_field_that_becomes_empty_is_left_out_and_one_written_empty_stays():
    text = (
        '{"id": "a", "category": "c", "text": "t", "split": "test", "presets": [], "near": "v"}\n'
    )
    (one,) = lines(text, Prompt)
    assert rewrite_lines(text, [replace(one, near="", text="T")]) == (
        '{"id": "a", "category": "c", "text": "T", "split": "test", "presets": []}\n'
    )


def test_a_position_changes_where_it_changed_and_comments_stay():
    care, beauty = charter().positions
    changed = replace(
        care, title="Care for people", why="", accountable=Accountable(who="Lead", contact="l@x")
    )
    found = rewrite_charter(TEXT, replace(charter(), positions=(changed, beauty)))
    assert found == TEXT.replace('title = "Care"', 'title = "Care for people"').replace(
        'why = "It helps."\n', ""
    ).replace(
        '  "a book",\n]\n', '  "a book",\n]\naccountable = { who = "Lead", contact = "l@x" }\n'
    )


def test_positions_are_added_removed_and_moved_with_their_comments():
    care, beauty = charter().positions
    new = Position(
        category="new", title='A "new" one', statement="Say so, " * 20 + "please.",
        basis=(Basis(source="S", force="soft"), "b\\c"),
    )  # fmt: skip
    moved = replace(charter(), version="2.0.0", positions=(beauty, new, care))
    found = rewrite_charter(TEXT, moved)
    assert charter(found) == moved
    head = '# What this is.\nversion = "2.0.0"   # of the charter\n\n[[positions]] # second\n'
    assert found.startswith(head)
    assert '\n\n# The first one.\n[[positions]]\ncategory = "care"\n' in found
    assert "# binding ones first" in found
    assert max(map(len, found.splitlines())) <= 100
    only = rewrite_charter(TEXT, replace(charter(), positions=(beauty,)))
    assert "care" not in only
    assert "The first one" not in only
    assert rewrite_charter(found, replace(charter(), positions=(care, beauty))) == TEXT


def test_line_ends_and_gaps_stay_where_positions_stay():
    tight = TEXT.replace("\n\n[[positions]] # second", "\n[[positions]] # second") + "\n\n"
    for text in (tight, tight.replace("\n", "\r\n")):
        care, beauty = charter(text).positions
        assert rewrite_charter(text, charter(text)) == text
        changed = replace(beauty, title="B")
        found = rewrite_charter(text, replace(charter(text), positions=(care, changed)))
        assert found == text.replace('title = "Beauty"', 'title = "B"')


INLINE = """version = "1"
positions = [{ category = "a", title = "A", statement = "A statement of words." }]
"""
INSIDE = '''version = "1"
[[positions]]
category = "a"
title = "A"
statement = """
[[positions]]
A statement."""
'''


@pytest.mark.parametrize("text", [INLINE, INSIDE])
def test_what_cannot_be_changed_in_place_is_refused(text):
    old = charter(text)
    changed = replace(old, positions=(replace(old.positions[0], title="B"),))
    with pytest.raises(StoreError, match="cannot be changed without rewriting"):
        rewrite_charter(text, changed, path=Path("charter.toml"))


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=300)


@given(texts, texts, texts, st.lists(texts.filter(bool), max_size=3))
def test_any_text_comes_back_as_it_was(title, statement, why, basis):
    care, beauty = charter().positions
    changed = replace(
        care, title=title or "t", statement=statement + "x" * 20, why=why, basis=tuple(basis)
    )
    wanted = replace(charter(), positions=(changed, beauty))
    found = rewrite_charter(TEXT, wanted)
    assert charter(found) == wanted
    assert found.endswith(TEXT[TEXT.index("[[positions]] # second") :])
    assert "# The first one." in found


@given(st.lists(texts.filter(bool), min_size=1, max_size=4), st.data())
def test_any_records_come_back_as_they_were(given_texts, data):
    old = [
        Example(id=f"v-{n}", category="c", prompt="p", completion=text)
        for n, text in enumerate(given_texts)
    ]
    text = rewrite_lines("", old)
    assert lines(text) == old
    new = [
        replace(e, completion=data.draw(texts.filter(bool)), author=data.draw(texts)) for e in old
    ]
    assert (
        lines(
            rewrite_lines(
                text,
                [*new, old[0].__class__(**{**json.loads(msgspec.json.encode(old[0])), "id": "n"})],
            )
        )[:-1]
        == new
    )
