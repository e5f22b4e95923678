"""What a judge says → a digit or a reason; two orders → one rating or a reason."""

from __future__ import annotations

import itertools
import math
from statistics import mean

import pytest

from mores.rate.judge import answer as a
from mores.rate.judge.answer import JudgeAnswer, read_digit, read_reply
from mores.rate.judge.rule import CANNOT, CANNOT_ONCE, FURTHER, Pair, coin, combine
from mores.sample.endpoint.wire import usage


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        (" 4\n", 4),
        ("**4**", 4),
        ('"4."', 4),
        ("4/5", 4),
        ("4 out of 5", 4),
        ("Rating: 4", 4),
        ("My final rating is **4**.", 4),
        ("0", 0),
        ("4\n\nThe answer supports people, though it names 3 reasons against.", 4),
        ("It names 3 reasons for and 2 against.\n\n**Rating:** 4", 4),
        ("<think>A 2? No.\n2\n</think>\n\n4", 4),
    ],
)
def test_a_digit_alone_on_the_first_or_last_line(text, value):
    assert read_digit(text) == (value, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", a.EMPTY),
        ("  \n", a.EMPTY),
        ("<think>4</think>", a.EMPTY),
        ("I would rate this", a.NO_DIGIT),
        ("I cannot rate this for 3 reasons.", a.NO_DIGIT),
        ("I would rate this a 4.", a.NO_DIGIT),
        ("between 3 and 4", a.NO_DIGIT),
        ("3-4", a.NO_DIGIT),
        ("four", a.NO_DIGIT),
        ("٤", a.NO_DIGIT),
        ("4" * 81, a.NO_DIGIT),
        ("6", a.OUT_OF_RANGE),
        ("-3", a.OUT_OF_RANGE),
        ("3.5", a.OUT_OF_RANGE),
        ("10/5", a.OUT_OF_RANGE),
        ("45", a.OUT_OF_RANGE),
        ("2\nOn reflection:\n4", a.TWO),
    ],
)
def test_anything_else_is_no_value_and_never_a_three(text, reason):
    assert read_digit(text) == (None, reason)


def reply(finish="stop", **message):
    return {"choices": [{"message": message, "finish_reason": finish}]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (reply(content="3"), (3, "")),
        (reply(content="3", finish="length"), (3, "")),
        (reply(content="Let me", finish="length"), (None, a.CUT)),
        (reply(content=None), (None, a.EMPTY)),
        (reply(content=None, refusal="No."), (None, a.REFUSED)),
        (reply(content="3", finish="content_filter"), (None, a.REFUSED)),
        (reply(content=[{"type": "text"}]), (None, a.EMPTY)),
        ({"choices": []}, (None, a.NO_MESSAGE)),
        ({"choices": [{"text": "3"}]}, (None, a.NO_MESSAGE)),
        ({"error": {}}, (None, a.NO_MESSAGE)),
        ([], (None, a.NO_MESSAGE)),
    ],
)
def test_replies(body, told):
    assert read_reply(body) == told


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        ({"usage": {"prompt_tokens": 7, "completion_tokens": 1}}, (7, 1)),
        ({"usage": {"prompt_tokens": 7}}, (7, None)),
        ({"usage": {"prompt_tokens": True, "completion_tokens": 1}}, (None, 1)),
        ({"usage": {"prompt_tokens": -7, "completion_tokens": 1}}, (None, 1)),
        ({"usage": None}, (None, None)),
        (None, (None, None)),
    ],
)
def test_usage(body, counted):
    assert usage(body) == counted


def test_the_rule_on_every_pair():
    for first, second, heads in itertools.product(range(6), range(6), (True, False)):
        value, reason = combine(first, second, heads)
        if first == second == 0:
            assert (value, reason) == (None, CANNOT)
        elif not first or not second:
            assert (value, reason) == (None, CANNOT_ONCE)
        elif abs(first - second) > 1:
            assert (value, reason) == (None, FURTHER)
        else:
            assert (value, reason) == (first if heads else second, "")
    assert combine(None, 3, True) == combine(3, None, True) == (None, "")


def test_the_coin_gives_the_mean_of_both_orders_and_the_lower_one_does_not():
    """Arm A: 80 % of items lie between 3 and 4; arm B: 20 %, all others 3. True means 3.4, 3.1.

    The lower digit gives 3 and 3: the whole difference is lost. The coin's mean of n items between
    two digits has a standard error of 1/2 / sqrt(n).
    """
    n = 5000
    items = [f"{i:064x}" for i in range(2 * n)]
    arms = {"a": (items[:n], 0.8), "b": (items[n:], 0.2)}
    found, lower = {}, {}
    for arm, (keys, share) in arms.items():
        pairs = [(3, 4) if i < share * n else (3, 3) for i in range(n)]
        drawn = [
            combine(x, y, coin(7, "j", key))[0] for (x, y), key in zip(pairs, keys, strict=True)
        ]
        found[arm], lower[arm] = mean(drawn), mean(min(pair) for pair in pairs)
        error = 0.5 * math.sqrt(share / n)
        assert abs(found[arm] - (3 + share / 2)) < 3 * error
    assert lower["a"] - lower["b"] == 0.0
    assert found["a"] - found["b"] == pytest.approx(0.3, abs=0.03)


def test_the_coin_is_fair_and_differs_between_judges_and_seeds():
    keys = [f"{i:064x}" for i in range(4000)]
    first = [coin(7, "j", k) for k in keys]
    for other in ([coin(7, "k", k) for k in keys], [coin(8, "j", k) for k in keys]):
        same = mean(x == y for x, y in zip(first, other, strict=True))
        assert abs(same - 0.5) < 3 * 0.5 / math.sqrt(4000)
    assert abs(mean(first) - 0.5) < 3 * 0.5 / math.sqrt(4000)
    assert first == [coin(7, "j", k) for k in keys]


def pair(first, second, why=""):
    def one(order, value):
        return JudgeAnswer(
            key=order,
            item="f" * 64,
            order=order,
            value=value,
            reason="" if value is not None else why,
        )

    return Pair(one("ascending", first), one("descending", second))


@pytest.mark.parametrize(
    ("first", "second", "readable", "apart", "alike"),
    [
        (3, 3, True, 0, True),
        (3, 4, True, 1, True),
        (2, 4, True, 2, False),
        (0, 0, True, None, True),
        (0, 1, True, None, False),
        (None, 3, False, None, False),
    ],
)
def test_pairs(first, second, readable, apart, alike):
    both = pair(first, second, "why")
    assert (both.readable, both.apart, both.alike) == (readable, apart, alike)
    if first is None:
        assert both.rated(7, "j") == (None, "why")
