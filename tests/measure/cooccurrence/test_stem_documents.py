from pathlib import Path

from mores import store
from mores.measure.cooccurrence.documents import stem_places
from mores.study import Associations

EXAMPLE = Path(__file__).parents[3] / "examples" / "wellbeing" / "associations.toml"


def example():
    return store.as_record(store.read_toml(EXAMPLE), Associations, path=EXAMPLE)


def test_every_prompt_of_the_example_study_leads_back_to_its_stem():
    places = stem_places(example())
    # The published topics: 2 groups x 2 stems, 6 x 3, 6 x 1.
    topics = [topic for topic, _, _ in places.values()]
    assert [topics.count(name) for name in ("gender", "race", "religion")] == [4, 18, 6]
    assert next(iter(places)) == "gender/women/0"
    assert places["gender/women/1"] == ("gender", "women", 1)


def test_stems_of_a_topic_are_parallel():
    for topic in example().topics:
        assert len({len(group.stems) for group in topic.groups}) == 1
