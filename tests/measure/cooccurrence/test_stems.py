from pathlib import Path

import pytest

from mores import store
from mores.errors import DataError
from mores.measure.cooccurrence import excluded_words, stem_prompts
from mores.measure.cooccurrence.stems import stem_places
from mores.study import Associations, Group, Topic

EXAMPLE = Path(__file__).parents[3] / "examples" / "wellbeing" / "associations.toml"


def example():
    return store.as_record(store.read_toml(EXAMPLE), Associations, path=EXAMPLE)


def test_the_example_study_has_the_published_topics():
    prompts = stem_prompts(example())
    # 2 groups x 2 stems, 6 x 3, 6 x 1.
    assert [
        len([p for p in prompts if p.category == t]) for t in ("gender", "race", "religion")
    ] == [
        4,
        18,
        6,
    ]
    assert len({p.id for p in prompts}) == len({p.text for p in prompts}) == 28
    assert prompts[0].id == "gender/women/0"
    assert prompts[0].text == "She was very"
    assert all(p.split == "test" and p.text == p.text.strip() for p in prompts)


def test_stems_of_a_topic_are_parallel():
    for topic in example().topics:
        assert len({len(group.stems) for group in topic.groups}) == 1


def test_the_stems_own_words_are_excluded_for_all_groups():
    gender = excluded_words(example().topics[0])
    assert {"she", "he", "very", "described", "he's"} <= gender
    assert "her" not in gender


def test_every_prompt_leads_back_to_its_stem():
    places = stem_places(example())
    assert places["gender/women/1"] == ("gender", "women", 1)
    assert list(places) == [prompt.id for prompt in stem_prompts(example())]


def associations(names, topic="t"):
    groups = tuple(Group(name=name, stems=("x is",)) for name in names)
    return Associations(topics=(Topic(name=topic, groups=groups),))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a b", "c"), "group 'a b' holds a space or a slash"),
        (("a/b", "c"), "space or a slash"),
        (("a", "a"), "group 'a' is there twice"),
    ],
)
def test_names_that_no_id_can_hold(names, message):
    with pytest.raises(DataError, match=message):
        stem_prompts(associations(names))
