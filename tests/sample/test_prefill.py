"""Prompts are cut where most tokens are spared, and beginnings are kept once where it pays."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mores.records import Decoding
from mores.sample import prefill as room
from mores.sample.decoder import Decoder
from mores.sample.prefill import Prompt, _cut, _pieces, _runs, _shared, _spared
from mores.sample.requests import Request
from mores.study.arms import ArmKey

BASE, VALUES = ArmKey("base", 0), ArmKey("values_targeted", 1)


def text(*parts: tuple[int, int]) -> tuple[int, ...]:
    """Parts of (which, length): the same part is the same tokens."""
    return tuple(
        int(t) for which, n in parts for t in np.random.default_rng(which).integers(5, 300, n)
    )


def prompts(*texts: tuple[int, ...]) -> list[Prompt]:
    return [Prompt("base", ids, (i,)) for i, ids in enumerate(sorted(texts))]


def test_two_contexts_with_one_system_prompt_are_two_runs() -> None:
    # 20 tokens begin all; then two contexts of 100 tokens, three questions each. One run of six
    # would spare 5·20 = 100 tokens, two of three spare 2·2·120 = 480.
    some = [text((1, 20), (c, 100), (10 * c + q, 9)) for c in (2, 3) for q in range(3)]
    runs = _cut(prompts(*some))
    assert [(len(r.prompts), r.shared) for r in runs] == [(3, 120), (3, 120)]
    assert sum(r.tree().size for r in runs) == 2 * (120 + 3 * 9)


def test_a_short_beginning_is_read_for_each_and_each_keeps_a_token() -> None:
    assert [r.shared for r in _cut(prompts(text((1, 15), (2, 5)), text((1, 15), (3, 5))))] == [0, 0]
    (run,) = _cut(prompts(text((1, 30)), text((1, 30), (3, 5))))
    assert run.shared == 29  # the shorter one's last token is its own


@given(st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=7), min_size=1, max_size=7))
def test_no_other_cuts_spare_more(several: list[list[int]]) -> None:
    # Bits are parts of 16 tokens; every way to cut the sorted prompts is tried.
    texts = {tuple(t for bit in bits for t in (bit,) * 16) for bits in several}
    some = prompts(*texts)
    found = sum(r.tree().size for r in _cut(some))

    def size(run: list[Prompt]) -> int:
        shared = min(len(p.ids) for p in run) - 1
        while len({p.ids[:shared] for p in run}) > 1:
            shared -= 1
        shared = shared if shared >= room.SHARED and len(run) > 1 else 0
        return sum(len(p.ids) - shared for p in run) + shared

    n = len(some)
    ways = [c for k in range(n) for c in combinations(range(1, n), k)]
    least = min(
        sum(size(some[a:b]) for a, b in zip((0, *cuts), (*cuts, n), strict=True)) for cuts in ways
    )
    assert found == least


def requests(texts: list[tuple[int, ...]], draws: int) -> list[Request]:
    rows = [
        Request(key, f"p{i}", "c", d, ids)
        for key in (BASE, VALUES)
        for i, ids in enumerate(texts)
        for d in range(draws)
    ]
    return sorted(rows, key=lambda r: (r.key.weights, r.ids))


def test_what_is_kept_once() -> None:
    # A context of 400 for 5 questions of 9, three draws each: together 14·400 = 5,600 rows times
    # columns are spared, by question 5·2·409 = 4,090. Each arm has its own.
    rows = requests([text((1, 400), (10 + q, 9)) for q in range(5)], 3)
    (block,) = _shared(list(_runs(rows)))
    assert block.lengths.tolist() == [400, 400]
    assert block.seats.shape == (2, 15)
    # Without a context, the draws of each question share it: 5·2·409 = 4,090 an arm.
    rows = requests([text((10 + q, 409)) for q in range(5)], 3)
    (block,) = _shared(list(_runs(rows)))
    assert block.lengths.tolist() == [409] * 10
    assert block.seats.shape == (10, 3)
    # Too little to be worth a block.
    assert _shared(list(_runs(requests([text((1, 20), (2, 9)), text((1, 20), (3, 9))], 3)))) == []


def test_a_run_longer_than_a_pass_is_read_in_pieces(monkeypatch) -> None:
    monkeypatch.setattr(room, "PREFILL_TOKENS", 60)
    (run,) = _cut(prompts(*(text((1, 30), (10 + q, 12)) for q in range(5))))
    assert [(len(p.prompts), p.tree().size) for p in _pieces(run)] == [(2, 54), (2, 54), (1, 42)]
    assert [p.tokens() for p in _pieces(run)][2] == list(run.prompts[4].ids)


def test_spared_by_hand() -> None:
    assert _spared([(10, (0, 1, 2)), (7, (3,))]) == 20


def test_draws_from_kept_beginnings_are_those_of_rows_alone(tiny, monkeypatch) -> None:
    monkeypatch.setattr(room, "WORTH", 1)
    texts = [text((1, 40), (10 + q, 5 + q)) for q in range(4)] + [text((7, 20)), text((8, 3))]
    rows = [Request(BASE, f"p{i}", "c", d, t) for i, t in enumerate(texts) for d in range(3)]
    warm = Decoding(temperature=1.0, max_new_tokens=12)
    alone = [Decoder(tiny).draw([r], warm, 7)[0] for r in rows]
    assert Decoder(tiny).draw(rows, warm, 7) == alone
    for width in (1, 4, 7):  # others wait, and join when rows have finished
        assert Decoder(tiny).draw(rows, warm, 7, width) == alone
