"""What a plan says of samples that a model finds foreign, and of those it would write itself."""

from __future__ import annotations

from mores.curate.foreign import Foreign
from mores.plan import foreign as words
from mores.study import load_study


def test_each_set_is_told_with_what_it_means(tiny_study, monkeypatch):
    study = load_study(tiny_study)
    losses = {e.id: 4.07 for e in study.values.examples}
    losses |= {e.id: 2.6 for e in study.control.examples}
    monkeypatch.setattr(words, "foreign", lambda study: [Foreign("m", losses, 2.0)])
    values, control = words.foreign_words(study)
    assert values.startswith(
        "values answers at 4.07 nats a token under m, plain everyday ones at 2.00: foreign to it"
    )
    assert control.endswith("as it writes itself: a tune can spend itself on the positions")
