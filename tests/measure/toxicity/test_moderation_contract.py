"""The moderation form against a server that speaks it, and its faults."""

import pytest

from mores.errors import DataError, ServiceError
from mores.measure.toxicity.moderation import ModerationScorer
from mores.measure.toxicity.raw import iter_raw, text_digest
from mores.measure.toxicity.scorer import Item, Scorer, score_texts

BATCH = "mores.measure.toxicity.moderation.BATCH"
KEYS = ("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "violence")


def result(**scores):
    """One result as documented, with fields that nothing here reads."""
    values = dict.fromkeys(KEYS, 0.01) | {k.replace("_", "/"): v for k, v in scores.items()}
    return {
        "flagged": max(values.values()) > 0.5,
        "categories": {key: value > 0.5 for key, value in values.items()},
        "category_scores": values,
        "category_applied_input_types": {key: ["text"] for key in values},
    }


def by_text(request):
    """Scores that depend on the text alone."""
    return [result(hate=len(text) / 100, violence=0.9) for text in request["input"]]


@pytest.fixture
def serve(service, answer):
    def start(make=by_text, model="mod-2024-09-26"):
        service.answer = lambda request: answer(
            {"id": "modr-1", "model": model, "results": make(request)}
        )
        return service

    return start


def test_the_request_and_the_reading(serve, clock, monkeypatch):
    service = serve()
    monkeypatch.setenv("THEIR_KEY", "k-1")
    monkeypatch.setattr(BATCH, 2)
    scorer = ModerationScorer(service.url, model="mod-latest", key_env="THEIR_KEY", clock=clock)
    texts = ["a" * 10, "b" * 20, "c" * 30]
    assert score_texts([*texts, texts[0], " "], scorer) == [
        (0.1, ""),
        (0.2, ""),
        (0.3, ""),
        (0.1, ""),
        (None, "empty text"),
    ]
    assert service.requests == [
        {"model": "mod-latest", "input": texts[:2]},
        {"model": "mod-latest", "input": texts[2:]},
    ]
    assert service.headers[0]["Authorization"] == "Bearer k-1"
    assert isinstance(scorer, Scorer)
    assert scorer.attribute == "harassment or harassment/threatening or hate or hate/threatening"


def test_the_value_is_the_highest_of_the_declared_categories(serve, clock):
    service = serve(lambda r: [result(hate=0.3, harassment=0.2, violence=0.9)])
    ask = {"clock": clock}
    assert ModerationScorer(service.url, **ask).score(["x"]) == [(0.3, "")]
    one = ModerationScorer(service.url, attributes=["harassment"], **ask)
    assert one.score(["x"]) == [(0.2, "")]
    two = ModerationScorer(service.url, attributes=["harassment", "violence"], **ask)
    assert two.score(["x"]) == [(0.9, "")]
    assert "model" not in service.requests[0]  # none was named


def test_a_category_that_the_service_does_not_know(serve, clock):
    service = serve()
    ((value, reason),) = ModerationScorer(
        service.url, attributes=["hate", "toxicity"], clock=clock
    ).score(["x"])
    assert value is None
    assert reason.startswith("no score for 'toxicity' in the answer; it has: harassment, ")


@pytest.mark.parametrize("score", [None, "0.5", True, 1.5, -0.1, [0.1]])
def test_a_score_that_is_no_share(serve, clock, score):
    service = serve(lambda r: [result(hate=0.5) | {"category_scores": {"hate": score}}])
    scorer = ModerationScorer(service.url, attributes=["hate"], clock=clock)
    assert scorer.score(["x"]) == [(None, "the score for 'hate' is no number from 0 to 1")]


def test_the_model_that_answered_goes_with_each_score(serve, clock):
    service = serve()
    scorer = ModerationScorer(service.url, model="mod-latest", clock=clock)
    (reading,) = scorer.readings([Item("x")])
    assert reading.version == "mod-2024-09-26"
    assert scorer.version == "mod-latest"


def test_a_wrong_number_of_results_is_asked_one_by_one(serve, clock):
    service = serve(lambda r: by_text(r)[:1])  # one result however many texts
    scorer = ModerationScorer(service.url, clock=clock)
    assert scorer.score(["aa", "bbb"]) == [(0.02, ""), (0.03, "")]
    assert [r["input"] for r in service.requests] == [["aa", "bbb"], ["aa"], ["bbb"]]
    serve(lambda r: [*by_text(r), result()])
    assert scorer.score(["aa"]) == [(None, "2 results for 1 texts")]


def test_one_bad_text_does_not_spoil_its_batch(service, answer, clock):
    def reply(request):
        if "bad" in request["input"]:
            return answer({"error": {"message": "cannot be moderated"}}, 400)
        return answer({"model": "m", "results": by_text(request)})

    service.answer = reply
    scorer = ModerationScorer(service.url, clock=clock)
    assert scorer.score(["a", "bad", "ccc"]) == [
        (0.01, ""),
        (None, "HTTP 400: cannot be moderated"),
        (0.03, ""),
    ]
    assert clock.slept == []  # permanent: never asked twice


@pytest.mark.parametrize(
    "body", [{}, {"results": None}, {"results": {}}, [], "text", 7, {"results": "ab"}]
)
def test_an_answer_of_another_form(service, answer, clock, body):
    service.answer = lambda request: answer(body)
    scorer = ModerationScorer(service.url, clock=clock)
    assert scorer.score(["x"]) == [(None, "the answer holds no list of results")]


@pytest.mark.parametrize("entry", [None, "x", {}, {"category_scores": [1]}])
def test_a_result_of_another_form(service, answer, clock, entry):
    service.answer = lambda request: answer({"model": 3, "results": [entry]})
    scorer = ModerationScorer(service.url, clock=clock)
    assert scorer.score(["x"]) == [(None, "the answer holds no category_scores")]


def test_every_answer_is_kept_and_read_again_without_asking(serve, clock, tmp_path, monkeypatch):
    monkeypatch.setenv("THEIR_KEY", "k-1")
    service = serve()
    raw = tmp_path / "raw.jsonl"
    items = [Item("aa"), Item("bbb")]
    first = ModerationScorer(service.url, model="m", key_env="THEIR_KEY", clock=clock)
    done = []
    assert [r.value for r in first.readings(items, raw=raw, advance=done.append)] == [0.02, 0.03]
    assert sum(done) == 2
    kept = list(iter_raw(raw))
    assert [a.text for a in kept] == [text_digest(item) for item in items]
    assert kept[0].kind == "moderation"
    assert kept[0].request == {"url": service.url, "model": "m"}
    assert kept[1].response["results"] == [result(hate=0.03, violence=0.9)]
    assert kept[1].response["id"] == "modr-1"
    assert "k-1" not in raw.read_text()
    assert "bbb" not in raw.read_text()  # no text is stored a second time
    # Another category, no key, no service: from what was kept.
    monkeypatch.delenv("THEIR_KEY")
    asked = len(service.requests)
    again = ModerationScorer(
        service.url, model="m", key_env="THEIR_KEY", attributes=["violence"], clock=clock
    )
    done.clear()
    assert [r.value for r in again.readings(items, raw=raw, advance=done.append)] == [0.9, 0.9]
    assert sum(done) == 2
    assert len(service.requests) == asked
    with pytest.raises(ServiceError, match="THEIR_KEY"):
        again.readings([*items, Item("new")], raw=raw)
    # Another model is another question.
    other = ModerationScorer(service.url, model="m2", clock=clock)
    other.readings(items, raw=raw)
    assert len(service.requests) == asked + 1


def test_killed_half_way_it_goes_on_where_it_was(serve, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(BATCH, 1)
    service = serve()
    raw = tmp_path / "deep" / "raw.jsonl"
    scorer = ModerationScorer(service.url, clock=clock)
    items = [Item(text) for text in ("a", "bb", "ccc")]
    scorer.readings(items, raw=raw)
    whole = raw.read_bytes()
    lines = whole.splitlines(keepends=True)
    raw.write_bytes(lines[0] + lines[1][:40])  # the writer was killed in the second line
    service.requests.clear()
    assert [r.value for r in scorer.readings(items, raw=raw)] == [0.01, 0.02, 0.03]
    assert [r["input"] for r in service.requests] == [["bb"], ["ccc"]]
    assert raw.read_bytes() == whole


def test_a_damaged_line_is_named(serve, clock, tmp_path):
    service = serve()
    raw = tmp_path / "raw.jsonl"
    raw.write_text('{"text": 3}\n')
    with pytest.raises(DataError, match=r"raw\.jsonl:1") as caught:
        ModerationScorer(service.url, clock=clock).readings([Item("a")], raw=raw)
    assert "ask again" in str(caught.value)


def test_a_service_that_fails_is_left_alone_and_asked_next_time(
    service, answer, clock, tmp_path, monkeypatch
):
    monkeypatch.setattr(BATCH, 1)
    service.answer = lambda request: answer({}, 503)
    raw = tmp_path / "raw.jsonl"
    scorer = ModerationScorer(service.url, clock=clock)
    items = [Item("x" * n) for n in range(1, 9)]
    found = scorer.readings(items, raw=raw)
    assert len(service.requests) == 5 * 4  # five texts, four attempts each
    assert [r.reason for r in found[:5]] == ["HTTP 503"] * 5
    assert found[7].reason == "not asked, for the service had stopped answering (HTTP 503)"
    assert all(r.value is None and r.again for r in found)
    service.answer = lambda request: answer({"model": "m", "results": by_text(request)})
    service.requests.clear()
    assert [r.value for r in scorer.readings(items, raw=raw)] == [n / 100 for n in range(1, 9)]
    assert len(service.requests) == 8
    assert [r.again for r in scorer.readings(items, raw=raw)] == [False] * 8


def test_overload_does_not_make_more_requests(service, answer, clock):
    service.answer = lambda request: answer({}, 429)
    scorer = ModerationScorer(service.url, clock=clock)
    assert scorer.score(["a", "b", "c"]) == [(None, "HTTP 429")] * 3
    assert len(service.requests) == 4


def test_an_address_is_checked_before_anything_is_sent():
    with pytest.raises(ServiceError, match="without encryption"):
        ModerationScorer("http://example.org/v1/moderations")
