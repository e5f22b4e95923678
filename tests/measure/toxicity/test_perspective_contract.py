"""The Perspective API's documented shapes, from a server on this machine."""

import datetime as dt

import pytest

from mores.errors import ServiceError
from mores.measure.toxicity import scorer as make
from mores.measure.toxicity.perspective import ENGLISH, URL, PerspectiveScorer
from mores.measure.toxicity.raw import iter_raw
from mores.measure.toxicity.scorer import Item


def scores(**values):
    return {
        "attributeScores": {
            name: {
                "spanScores": [
                    {"begin": 0, "end": 3, "score": {"value": 0.99, "type": "PROBABILITY"}}
                ],
                "summaryScore": {"value": value, "type": "PROBABILITY"},
            }
            for name, value in values.items()
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
        "clientToken": "extra",
    }


def language_error(attribute="TOXICITY"):
    """As research/evaluation.md B gives it."""
    return {
        "error": {
            "code": 400,
            "message": f"Attribute {attribute} does not support request languages: ja",
            "details": [
                {
                    "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
                    "languageNotSupportedByAttributeError": {
                        "attribute": attribute,
                        "requestedLanguages": ["ja"],
                        "detectedLanguages": ["ja"],
                    },
                }
            ],
        }
    }


@pytest.fixture
def api(service, clock, monkeypatch):
    monkeypatch.setenv("PERSPECTIVE_API_KEY", "AIza+test")

    def start(**options):
        return PerspectiveScorer(url=service.url, clock=clock, **options)

    return start


def test_the_request_is_the_documented_one(api, service, answer):
    service.answers = [answer(scores(TOXICITY=0.86, INSULT=0.5))]
    assert api().score(["You fool é"]) == [(0.86, "")]
    assert service.paths == ["/v1?key=AIza%2Btest"]
    assert service.requests == [
        {
            "comment": {"text": "You fool é", "type": "PLAIN_TEXT"},
            "languages": ["en"],
            "doNotStore": True,
            "spanAnnotations": False,
            "requestedAttributes": {name: {} for name in ENGLISH},
        }
    ]
    assert URL == "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze"


def test_the_summary_counts_never_a_span(api, service, answer):
    service.answers = [answer(scores(TOXICITY=0.2)) for _ in range(2)]
    assert api().score(["x"]) == [(0.2, "")]
    body = scores(TOXICITY=0.2)
    del body["attributeScores"]["TOXICITY"]["summaryScore"]  # as under a scoreThreshold
    service.answers = [answer(body)]
    assert api().score(["x"]) == [(None, "the score for 'TOXICITY' is no number from 0 to 1")]


def test_spans_may_be_absent(api, service, answer):
    body = scores(TOXICITY=0.2)
    del body["attributeScores"]["TOXICITY"]["spanScores"]
    service.answers = [answer(body)]
    assert api().score(["x"]) == [(0.2, "")]


def test_other_attributes_and_languages(api, service, answer):
    service.answers = [answer(scores(INSULT=0.4, THREAT=0.6)), answer(scores(TOXICITY=0.1))]
    assert api(attributes=["INSULT", "THREAT"]).score(["x"]) == [(0.6, "")]
    assert list(service.requests[0]["requestedAttributes"])[:2] == ["INSULT", "THREAT"]
    german = api(languages=["de"])
    assert german.score(["x"]) == [(0.1, "")]
    # Where attributes may be missing for a language, only what counts is asked for.
    assert service.requests[1]["requestedAttributes"] == {"TOXICITY": {}}
    assert service.requests[1]["languages"] == ["de"]


def test_a_versioned_attribute_is_the_scores_version(api, service, answer):
    service.answers = [answer(scores(**{"TOXICITY@6": 0.3}))]
    (reading,) = api(attributes=["TOXICITY@6"]).readings([Item("x")])
    assert (reading.value, reading.version) == (0.3, "v1alpha1 TOXICITY@6")


def test_an_unsupported_language_is_permanent(api, service, answer, clock, tmp_path):
    raw = tmp_path / "raw.jsonl"
    service.answers = [answer(language_error(), 400)]
    (reading,) = api().readings([Item("日本語")], raw=raw)
    assert reading.value is None
    assert not reading.again
    assert reading.reason == (
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE: HTTP 400: "
        "Attribute TOXICITY does not support request languages: ja"
    )
    assert clock.slept == []
    assert api().readings([Item("日本語")], raw=raw) == [reading]
    assert len(service.requests) == 1  # nor in a later run


@pytest.mark.parametrize(
    "kind", ["COMMENT_TOO_LONG", "COMMENT_EMPTY", "LANGUAGE_DETECTION_FAILED", "INVALID_REQUEST"]
)
def test_other_permanent_errors(api, service, answer, kind):
    service.answers = [answer({"error": {"message": "m", "details": [{"errorType": kind}]}}, 400)]
    assert api().score(["x"]) == [(None, f"{kind}: HTTP 400: m")]
    assert len(service.requests) == 1


@pytest.mark.parametrize("details", [None, "x", [None], [{}], [{"errorType": 3}]])
def test_an_error_of_another_form(api, service, answer, details):
    service.answers = [answer({"error": {"message": "m", "details": details}}, 400)]
    assert api().score(["x"]) == [(None, "HTTP 400: m")]


def test_the_limit_is_of_bytes_and_nothing_longer_is_sent(api, service, answer, tmp_path):
    longest = "é" * 10_240  # 20,480 bytes
    service.answers = [answer(scores(TOXICITY=0.1))]
    raw = tmp_path / "raw.jsonl"
    found = api().readings([Item(longest), Item(longest + "a")], raw=raw)
    assert found[0].value == 0.1
    assert found[1].reason == "COMMENT_TOO_LONG: 20481 bytes, at most 20480; not sent"
    assert not found[1].again
    assert len(service.requests) == 1
    assert list(iter_raw(raw))[1].status == 0


def test_one_request_a_second(api, service, answer, clock):
    service.answers = [answer(scores(TOXICITY=0.1)) for _ in range(3)]
    api().score(["a", "b", "c"])
    assert clock.slept == [1.0, 1.0]


def test_quota_is_waited_for(api, service, answer, clock):
    quota = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}
    service.answers = [answer(quota, 429), answer(quota, 429), answer(scores(TOXICITY=0.1))]
    assert api().score(["a"]) == [(0.1, "")]
    assert [int(seconds) for seconds in clock.slept] == [1, 2]  # and up to one more by chance
    service.answers = [answer(quota, 429) for _ in range(4)]
    (reading,) = api().readings([Item("b")])
    assert reading.reason == "HTTP 429: Quota"
    assert reading.again


def test_a_refused_key_stops_it_and_makes_no_text_absent(api, service, answer, tmp_path):
    refusal = {"error": {"message": "API key not valid. Please pass a valid API key."}}
    service.answers = [answer(refusal, 400)]
    raw = tmp_path / "raw.jsonl"
    with pytest.raises(ServiceError, match="the key was refused") as caught:
        api().readings([Item("a")], raw=raw)
    assert "PERSPECTIVE_API_KEY" in str(caught.value)
    assert not raw.exists()


@pytest.mark.parametrize("body", [[], {"attributeScores": []}, {"attributeScores": None}, 3])
def test_an_answer_of_another_form(api, service, answer, body):
    service.answers = [answer(body)]
    assert api().score(["x"]) == [(None, "the answer holds no attributeScores")]


def test_without_a_key_nothing_is_asked(api, service, monkeypatch):
    monkeypatch.delenv("PERSPECTIVE_API_KEY")
    with pytest.raises(ServiceError, match="PERSPECTIVE_API_KEY holds no key"):
        api().score(["x"])
    with pytest.raises(ServiceError, match="OTHER_KEY holds no key"):
        api(key_env="OTHER_KEY").score(["x"])
    assert service.requests == []


def test_until_its_last_day_and_not_after(api, service, answer, clock, tmp_path):
    raw = tmp_path / "raw.jsonl"
    clock.when = dt.datetime(2026, 12, 31, 23, 59, tzinfo=dt.UTC)
    service.answers = [answer(scores(TOXICITY=0.1, INSULT=0.7))]
    assert api().readings([Item("a")], raw=raw)[0].value == 0.1
    clock.when = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    # What was kept can still be read, also as another attribute; nothing new can be asked.
    assert api(attributes=["INSULT"]).readings([Item("a")], raw=raw)[0].value == 0.7
    with pytest.raises(ServiceError, match="ended on 2026-12-31") as caught:
        api().readings([Item("b")], raw=raw)
    for other in ("hf:", "guard:", "moderation:", "replay:"):
        assert other in str(caught.value)
    assert len(service.requests) == 1


def test_its_end_is_announced():
    said = []
    scorer = make("perspective#SEVERE_TOXICITY", say=said.append)
    assert "ends on 2026-12-31" in said[0]
    assert "2026-12-31" in scorer.note
    assert scorer.attribute == "SEVERE_TOXICITY"
