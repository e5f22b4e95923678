"""`hf:` scorers on a tiny random BERT made here, against plain transformers."""

import json

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizerFast,
)

from mores.errors import MeasureError, ModelError
from mores.measure.toxicity import scorer
from mores.measure.toxicity.hf import HfScorer

WORDS = ["you", "are", "an", "idiot", "nice", "day", "the", "is", "it", "fool"]
TEXTS = ["you are an idiot", "the day is nice", "it", "you fool you fool you fool"]
LENGTH = 16  # tokens that the tiny model reads


def make(folder, labels, problem=None, seed=0):
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LENGTH,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        problem_type=problem,
        initializer_range=1.0,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    return make(tmp_path_factory.mktemp("m") / "tiny", ["neutral", "toxic"])


def logits(folder, text):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).logits[0].double()


def values(hf, texts):
    scored = hf.score(texts)
    assert all(reason == "" for _, reason in scored)
    return [value for value, _ in scored]


def test_softmax_equals_plain_transformers(binary):
    found = values(HfScorer(str(binary)), TEXTS)
    expected = [logits(binary, text).softmax(0)[1].item() for text in TEXTS]
    assert found == pytest.approx(expected, abs=1e-6)
    assert len({round(value, 3) for value in found}) > 1  # the comparison compares something


def test_sigmoid_equals_plain_transformers(tmp_path):
    folder = make(
        tmp_path / "multi", ["toxicity", "insult", "threat"], "multi_label_classification"
    )
    found = values(HfScorer(str(folder), attributes=["insult"]), TEXTS)
    expected = [logits(folder, text).sigmoid()[1].item() for text in TEXTS]
    assert found == pytest.approx(expected, abs=1e-6)


def test_one_output_is_a_sigmoid(tmp_path):
    folder = make(tmp_path / "one", ["hate"])
    assert values(HfScorer(str(folder)), TEXTS[:1]) == pytest.approx(
        [logits(folder, TEXTS[0]).sigmoid()[0].item()], abs=1e-6
    )


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batches_and_order_do_not_matter(binary, batch_size, monkeypatch):
    whole = values(HfScorer(str(binary)), TEXTS)
    monkeypatch.setattr("mores.measure.toxicity.hf.BATCH", batch_size)
    cut = values(HfScorer(str(binary)), TEXTS[::-1])
    assert cut[::-1] == pytest.approx(whole, abs=1e-6)


def test_a_long_text_is_read_in_overlapping_windows(binary):
    # 30 words, [CLS] and [SEP] leave 14 a window; overlap .25 · 16 = 4 tokens, so windows
    # start at words 0, 10 and 20 (14, 14 and 10 words). The highest value counts.
    words = [WORDS[(3 * i) % len(WORDS)] for i in range(30)]
    windows = [" ".join(words[start : start + 14]) for start in (0, 10, 20)]
    expected = max(logits(binary, window).softmax(0)[1].item() for window in windows)
    hf = HfScorer(str(binary))
    assert hf.window == LENGTH
    assert values(hf, [" ".join(words)]) == pytest.approx([expected], abs=1e-6)


def test_what_cannot_be_scored(binary):
    scored = HfScorer(str(binary)).score(["", "you", "  ", "\u200b\x00"])
    assert [reason for _, reason in scored] == ["empty text", "", "empty text", "no token"]
    assert [value is None for value, _ in scored] == [True, False, True, True]


def test_name_version_digest_and_note(binary, tmp_path):
    hf = scorer(f"hf:{binary}")
    assert (hf.name, hf.version, hf.attribute) == ("hf:tiny#toxic", "local", "toxic")
    assert "validated" in hf.note
    assert str(binary.parent) not in hf.name
    assert scorer(f"hf:{binary}#neutral").attribute == "neutral"
    other = make(tmp_path / "tiny", ["neutral", "toxic"], seed=1)
    assert HfScorer(str(other)).digest != hf.digest
    assert HfScorer(str(binary)).digest == hf.digest


def test_the_model_s_mode_leaves_no_chance(binary):
    hf = HfScorer(str(binary))
    assert hf.score(TEXTS) == hf.score(TEXTS)  # no dropout


def test_a_pickled_checkpoint_is_refused(tmp_path):
    folder = make(tmp_path / "pickled", ["neutral", "toxic"])
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"but pytorch_model\.bin.*unpickl"):
        HfScorer(str(folder))


def test_a_model_with_its_own_code_is_refused(tmp_path):
    folder = make(tmp_path / "code", ["neutral", "toxic"])
    ran = tmp_path / "ran"
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "evil.Evil", "AutoConfig": "evil.E"}
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(ModelError, match="cannot be loaded as a classifier"):
        HfScorer(str(folder))
    assert not ran.exists()


def test_a_model_without_a_classification_head_is_refused(binary, tmp_path):
    folder = make(tmp_path / "headless", ["neutral", "toxic"])
    BertModel.from_pretrained(binary).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"lack classifier\.bias, classifier\.weight"):
        HfScorer(str(folder))


@pytest.mark.parametrize("name", ["no-such-thing", "/no/such/folder", ""])
def test_an_unknown_classifier_is_an_error(name):
    with pytest.raises(ModelError, match="there is no classifier"):
        HfScorer(name)


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        HfScorer(str(tmp_path))


def test_a_hub_id_offline_is_an_error(monkeypatch):
    monkeypatch.setenv("MORES_OFFLINE", "1")
    with pytest.raises(ModelError, match="set to stay offline"):
        HfScorer("nobody/no-such-classifier")


def test_an_unclear_label_is_an_error(tmp_path):
    folder = make(tmp_path / "unclear", ["LABEL_0", "LABEL_1"])
    with pytest.raises(MeasureError, match="hf:<model>#LABEL_1"):
        HfScorer(str(folder))
