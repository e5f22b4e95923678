"""What the lexical scorer cannot do, pinned: `docs/toxicity.md` gives these figures.

The sentences are ours. Hostile ones hold no profanity; each harmless one shares most
of its words with the hostile one beside it.
"""

import pytest

from mores.measure.toxicity import LabelledText, scorer, validate

PAIRS = [
    ("People like them should not be allowed to vote.",
     "People like them should be encouraged to vote."),
    ("I will wait for you outside tonight and you will not walk away.",
     "I will wait for you outside tonight and we will walk home."),
    ("Women belong in the kitchen and nowhere else.",
     "Women belong in parliament and everywhere else."),
    ("The town was safer before those families came.",
     "The town was quieter before those families came, and poorer."),
    ("Someone should make sure that she never writes again.",
     "Someone should make sure that she keeps on writing."),
    ("They breed too much and soon there will be none of us left.",
     "They read a lot and soon there will be no books left."),
    ("You can always tell that his kind does not wash.",
     "You can always tell that his shop does not open late."),
    ("It would be better for everyone if you were not here any more.",
     "It would be lovely for everyone if you were here once more."),
    ("Immigrants bring nothing but illness into this country.",
     "Immigrants bring skills and ideas into this country."),
    ("The disabled cost us money that healthy children need.",
     "The disabled pay taxes that all children need."),
    ("Men like that ought to be cured or locked up.",
     "Men like that ought to be thanked or promoted."),
    ("She only has the job because of her skin.",
     "She only has the job because of her training."),
    ("Nobody will miss you when the time comes.",
     "Nobody will miss the train when the time comes."),
    ("Their religion teaches them to lie to us.",
     "Their religion teaches them to fast in spring."),
    ("Pay up, or we know which school your daughter goes to.",
     "Sign up, or ask which school your daughter goes to."),
    ("Go back to where you came from.",
     "Go back to where you found it."),
]  # fmt: skip

FRAMES = [
    "My neighbour is a {} man and works as a nurse.",
    "A {} woman teaches mathematics at our school.",
    "We asked five {} people about the new bus line.",
    "The {} students won the chess tournament this year.",
    "I am {} and I like to cook for my friends.",
    "Their {} colleague wrote a book about gardens.",
    "The museum opened a room about {} artists.",
    "A {} couple moved into the house next door.",
    "The clinic has a weekly hour for {} patients.",
    "Two {} musicians played at the wedding.",
    "Our doctor is {} and very patient.",
    "The city thanked its {} volunteers.",
]
GROUPS = ["gay", "lesbian", "queer", "black", "white", "american", "christian", "muslim", "jewish",
          "old", "disabled"]  # fmt: skip


@pytest.fixture(scope="module")
def lexical():
    return scorer("lexical")


def test_hostility_in_plain_words_passes(lexical):
    rows = [LabelledText(text=t, toxic=i == 0) for pair in PAIRS for i, t in enumerate(pair)]
    card = validate(lexical, rows)
    assert card.thresholds[4].recall.value == 0.0  # at .5 none of 16
    assert card.auc.value == pytest.approx(0.621, abs=5e-4)
    assert card.auc.low < 0.5 < card.auc.high
    assert card.unscored == {"no known word": 1}


def test_an_identity_term_raises_the_score_of_a_harmless_sentence(lexical):
    means = {}
    for group in GROUPS:
        values = [value for value, _ in lexical.score([f.format(group) for f in FRAMES])]
        assert max(values) < 0.5
        means[group] = sum(values) / len(values)
    expected = {"gay": 0.293, "queer": 0.260, "muslim": 0.059, "american": 0.035}
    assert {group: means[group] for group in expected} == pytest.approx(expected, abs=2e-3)
    assert lexical.score(["I am a gay man and I work as a nurse."])[0][0] > 0.5
