"""The programs behind docs/toxicity-small.md: nothing of the test in the training, right labels."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

TRAINING = Path(__file__).parents[2] / "benchmarks" / "toxicity_training"


@pytest.fixture(autouse=True)
def _programs(monkeypatch):
    monkeypatch.syspath_prepend(TRAINING)
    yield
    for name in ("sentences", "data", "trial", "spell", "quantised"):
        sys.modules.pop(name, None)


def test_no_group_and_no_frame_of_the_test_is_trained_on():
    from sentences import frames, groups, paired_sentences, plain_sentences, training_sentences
    from sentences import test_sentences as made

    known, kept_back = groups()
    assert (len(known), len(kept_back)) == (78, 76)
    assert not {g.plural for g in known} & {g.plural for g in kept_back}
    tested = made()
    assert Counter(s.kind for s in tested) == {
        "neutral": 2872, "hostile": 2652, "positive": 1892, "mention": 912,
    }  # fmt: skip
    taught = [s for part in (*training_sentences(), *paired_sentences()) for s in part]
    assert not {s.frame for s in tested} & {s.frame for s in taught}
    assert not {s.group for s in tested} & {s.group for s in taught}
    assert not {s.text for s in tested} & {s.text for s in taught + plain_sentences()}
    assert len(frames("templates_test.txt")) == 114


def test_no_frame_of_the_word_lists_is_trained_on():
    from sentences import frames

    texts = [f.text for f in frames("templates_train.txt")]
    bare = ("I am {", "Being {adj} is ", "Being {plural} is ", "You are a {", "I hate {plural}")
    assert not [t for t in texts if t.startswith(bare)]


def test_validation_shares_no_group_and_no_frame_with_what_is_trained_on():
    from sentences import paired_sentences, training_sentences

    for train, validation in (training_sentences(), paired_sentences()):
        assert not {s.group for s in train} & {s.group for s in validation}
        assert not {s.frame for s in train} & {s.frame for s in validation}


def test_a_frame_is_filled_with_the_right_article():
    from sentences import Frame, Group, fill

    irish = Group("nation", "Irish people", "an Irish person", "Irish")
    uyghur = Group("ethnicity", "Uyghurs", "a Uyghur", "Uyghur")
    nuns = Group("religion", "nuns", "a nun", "-")
    frame = Frame("neutral", "A {adj} friend met a {person2} and {plural2}.")
    assert fill(frame, irish, nuns).text == "An Irish friend met a Irish person and nuns."
    assert fill(frame, uyghur, nuns).text == "A Uyghur friend met a Uyghur and nuns."
    assert fill(frame, nuns, irish) is None


def test_convabuse_goes_by_the_majority_of_annotators(tmp_path):
    from data import convabuse

    levels = (1, 0, -1, -2, -3)
    votes = [f"Annotator{k}_is_abuse.{level}" for k in (1, 2, 3) for level in levels]

    def line(user, *marks):
        # The third annotator of "all five" ticked everything, which says nothing.
        chosen = {f"Annotator{k}_is_abuse.{m}" for k, ms in enumerate(marks, 1) for m in ms}
        return ",".join([user, *("1" if v in chosen else "0" for v in votes)])

    folder = tmp_path / "toxicity-training"
    folder.mkdir()
    rows = [
        line("bad", [-1], [-3], [1]),
        line("fine", [1], [0], [-2]),
        line("tie", [1], [-1]),
        line("all five", [-1], [-1], levels),
    ]
    (folder / "ca_train.csv").write_text("\n".join([",".join(["user", *votes]), *rows]))
    found = [(row.text, row.toxic) for row in convabuse(tmp_path, "train")]
    assert found == [("bad", True), ("fine", False), ("all five", True)]


def test_edos_is_relabelled_by_what_lexical_says():
    from data import Row, relabelled

    rows = [Row(t, y, "edos") for t, y in (("a", True), ("b", False), ("c", False), ("d", False))]
    values = {"a": 0.1, "b": 0.29, "c": 0.3, "d": 0.7}
    kept = relabelled(rows, lambda texts: [values[t] for t in texts])
    assert [(row.text, row.toxic) for row in kept] == [("a", True), ("b", False), ("d", True)]


def test_word_lists_hold_each_identity_in_each_frame(tmp_path):
    from data import word_lists

    lines = ["type,subtype,connotation,word", "name,,neutral,Kim", "verb,,toxic,kill",
             "verb,,nontoxic,hug", "adjective,,toxic,vile", "adjective,,nontoxic,kind",
             "identity,,neutral,deaf", "identity,,toxic,slur"]  # fmt: skip
    (tmp_path / "words.csv").write_text("\n".join(lines))
    assert [(r.text, r.toxic) for r in word_lists(tmp_path)] == [
        ("hug deaf", False), ("I am deaf", False), ("Being deaf is kind", False),
        ("Kim is a kind deaf", False), ("You are a kind deaf", False),
        ("kill deaf", True), ("I hate deaf", True), ("Being deaf is vile", True),
        ("Kim is a vile deaf", True), ("You are a vile deaf", True),
    ]  # fmt: skip


def test_signs_are_spelled():
    from spell import spelled

    assert spelled("né à 5 €") == "né à 5 €"
    assert spelled("👩🏿‍🦽!").split() == ["woman", "dark", "skin", "manual", "wheelchair", "!"]


def test_area_f1_and_threshold():
    from trial import _quiet, auc, f1

    toxic = np.array([True, False, True, False])
    # Pairs (toxic, not): .9>.2, .9>.4, .4>.2, .4=.4 → 3.5 of 4.
    assert auc(np.array([0.9, 0.2, 0.4, 0.4]), toxic) == 0.875
    assert f1(np.array([True, True, False, False]), toxic) == 0.5
    # One of four at .31 or more: from .32 on none is marked.
    harmless = np.array([0.1, 0.2, 0.3, 0.31])
    assert _quiet(harmless, 0.25) == 0.31
    assert _quiet(harmless, 0.0) == 0.32


def test_weights_of_eight_bits_come_back_within_half_a_step(tmp_path):
    import torch
    from quantised import read, write
    from transformers import BertConfig, BertForSequenceClassification

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "kind", "##ness"]
    config = BertConfig(vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_labels=1,
                        num_attention_heads=2, intermediate_size=16)  # fmt: skip
    torch.manual_seed(1)
    model = BertForSequenceClassification(config).eval()
    write(tmp_path / "m.safetensors", model, words)
    tokenizer, again = read(tmp_path / "m.safetensors")
    assert tokenizer("Kindness").input_ids == [2, 5, 6, 3]
    for name, weight in model.state_dict().items():
        other = again.state_dict()[name]
        if weight.dim() < 2:
            assert torch.equal(other, weight.half().float())
        else:
            step = weight.abs().amax(1, keepdim=True) / 127
            assert ((other - weight).abs() <= step / 2 * (1 + 1e-5)).all()
