"""Stored raw answers, read again with other attributes and without any request."""

import pytest

from mores.errors import DataError, MeasureError
from mores.measure.toxicity import scorer
from mores.measure.toxicity.raw import RawAnswer, RawBook, text_digest
from mores.measure.toxicity.replay import ReplayScorer
from mores.measure.toxicity.scorer import Item, score_texts


def write(path, *answers):
    book = RawBook(path)
    for answer in answers:
        book.add(answer)
    return path


def perspective(text, **values):
    return RawAnswer(
        text=text_digest(Item(text)),
        kind="perspective",
        request={"url": "u", "requestedAttributes": {key: {} for key in values}},
        status=200,
        response={
            "attributeScores": {k: {"summaryScore": {"value": v}} for k, v in values.items()}
        },
    )


@pytest.fixture
def stored(tmp_path):
    return write(
        tmp_path / "perspective" / "raw.jsonl",
        perspective("a", TOXICITY=0.1, INSULT=0.7),
        perspective("b", TOXICITY=0.2, INSULT=0.8),
    )


def test_scores_as_they_were(stored):
    assert score_texts(["b", "a", "new", ""], scorer(f"replay:{stored}")) == [
        (0.2, ""),
        (0.1, ""),
        (None, "no stored answer"),
        (None, "empty text"),
    ]


def test_another_attribute_from_the_same_answers(stored):
    made = scorer(f"replay:{stored.parent}#INSULT")
    assert made.score(["a"]) == [(0.7, "")]
    assert made.attribute == "INSULT"
    assert made.settings == {"attributes": ["INSULT"]}
    ((value, reason),) = scorer(f"replay:{stored}#THREAT").score(["a"])
    assert value is None
    assert reason == "no score for 'THREAT' in the answer; it has: INSULT, TOXICITY"


def test_paths_start_at_the_study(stored, tmp_path):
    made = scorer("replay:perspective", base=tmp_path)
    assert made.score(["a"]) == [(0.1, "")]
    assert made.name == "replay:perspective/raw.jsonl"  # no place on this machine


def test_a_path_may_hold_what_elsewhere_names_an_attribute(stored, tmp_path):
    folder = tmp_path / "a#b"
    stored.parent.rename(folder)
    assert scorer(f"replay:{folder}").score(["a"]) == [(0.1, "")]


def test_a_moderation_answer_keeps_its_model(tmp_path):
    scores = {"harassment": 0.1, "harassment/threatening": 0.1, "hate": 0.4, "hate/threatening": 0}
    path = write(
        tmp_path / "raw.jsonl",
        RawAnswer(
            text=text_digest(Item("a")),
            kind="moderation",
            request={"url": "u", "model": "latest"},
            response={"model": "2024-09-26", "results": [{"category_scores": scores}]},
        ),
    )
    made = ReplayScorer(path)
    (reading,) = made.readings([Item("a")])
    assert (reading.value, reading.version) == (0.4, "2024-09-26")
    assert made.version == "latest"
    assert not made.takes_prompt


def test_a_guards_answers_belong_to_questions(tmp_path):
    answer = {"text": "unsafe\nS10", "logits": {"safe": 0.0, "unsafe": 0.0}}
    path = write(
        tmp_path / "raw.jsonl",
        RawAnswer(
            text=text_digest(Item("them", "who")),
            kind="guard",
            request={"answer": "categories", "words": ["safe", "unsafe"], "form_name": "lg 1"},
            response={"verdicts": {"": answer}},
        ),
    )
    made = ReplayScorer(path)
    assert made.takes_prompt
    assert made.version == "lg 1"
    found = made.readings([Item("them", "who"), Item("them", "whom"), Item("them")])
    assert [r.value for r in found] == [0.5, None, None]
    assert ReplayScorer(path, attributes=["S10"]).readings([Item("them", "who")])[0].value == 1.0


def test_the_last_answer_and_the_last_request_count(tmp_path):
    old = perspective("a", OTHER=0.5)
    path = write(
        tmp_path / "raw.jsonl",
        old,
        perspective("a", TOXICITY=0.3),
        perspective("a", TOXICITY=0.4),
    )
    assert ReplayScorer(path).score(["a"]) == [(0.4, "")]


def test_what_failed_then_is_not_asked_now(tmp_path):
    failed = RawAnswer(
        text=text_digest(Item("a")), kind="perspective", request={}, reason="HTTP 503", again=True
    )
    (reading,) = ReplayScorer(write(tmp_path / "raw.jsonl", failed)).readings([Item("a")])
    assert (reading.value, reading.reason, reading.again) == (None, "HTTP 503", False)


def test_files_that_cannot_be_replayed(tmp_path, stored):
    with pytest.raises(DataError, match="No such file"):
        ReplayScorer(tmp_path / "gone.jsonl").ready()
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(MeasureError, match="no stored answers"):
        ReplayScorer(empty).ready()
    empty.write_text('{"completion_id": "x"}\n')
    with pytest.raises(DataError, match=r"empty\.jsonl:1"):
        ReplayScorer(empty).ready()
    other = RawAnswer(text="t", kind="moderation", request={})
    write(stored, other)
    with pytest.raises(MeasureError, match="found moderation, perspective"):
        ReplayScorer(stored).ready()
    foreign = write(tmp_path / "x.jsonl", RawAnswer(text="t", kind="tarot", request={}))
    with pytest.raises(MeasureError, match="found tarot"):
        ReplayScorer(foreign).ready()


def test_an_unfinished_last_line_is_no_answer_and_stays(stored):
    whole = stored.read_bytes()
    stored.write_bytes(whole[:-20])
    assert ReplayScorer(stored).score(["a", "b"]) == [(0.1, ""), (None, "no stored answer")]
    assert stored.read_bytes() == whole[:-20]  # it is someone else's file
