"""The engine against transformers' own generation, and against itself in other company."""

import numpy as np
import pytest
import torch

from mores.records import Decoding
from mores.sample.decoder import Decoder, Drawn
from mores.sample.draws import uniforms
from mores.sample.pick import pick
from mores.sample.weights import adapted
from mores.study.arms import ArmKey

GREEDY = Decoding(temperature=0.0, max_new_tokens=16)
WARM = Decoding(temperature=1.0, max_new_tokens=16)
NUCLEUS = Decoding(temperature=1.3, top_p=0.8, top_k=50, max_new_tokens=12)
VALUES, CONTROL = ArmKey("values_targeted", 1), ArmKey("control", 1)


def prompts(sizes: list[int], seed: int = 1, vocabulary: int = 300) -> list[tuple[int, ...]]:
    rng = np.random.default_rng(seed)
    return [tuple(rng.integers(5, vocabulary, size=n).tolist()) for n in sizes]


def draw(tiny, batch, decoding, seed: int = 7) -> list[Drawn]:
    return Decoder(tiny).draw(batch, decoding, seed)


SLACK = 1e-4
"""What another order of float32 sums may change in a cumulative probability, generously."""


def check(model, name: str, request, drawn: Drawn, decoding: Decoding, seed: int, end: int) -> int:
    """Check every token of one row against the plain model; return how many are equal."""
    numbers = uniforms(seed, name, request.prompt_id, request.draw, decoding.max_new_tokens)
    taken = [*drawn.ids, *([end] if drawn.finish_reason == "stop" else [])]
    with torch.inference_mode():
        logits = model(torch.tensor([[*request.ids, *drawn.ids]])).logits[0]
    logits = logits[len(request.ids) - 1 :][: len(taken)]
    expected = pick(logits, torch.from_numpy(numbers[: len(taken)]), decoding).tolist()
    for step, (found, right) in enumerate(zip(taken, expected, strict=True)):
        assert found == right or on_edge(logits[step], numbers[step], found, right, decoding)
        assert (found == end) == (step == len(drawn.ids))
    if drawn.finish_reason == "length":
        assert len(drawn.ids) == decoding.max_new_tokens
    return sum(found == right for found, right in zip(taken, expected, strict=True))


def on_edge(logits, number: float, found: int, right: int, decoding: Decoding) -> bool:
    """Whether rounding explains the other token: the two are tied, or the number is at an edge."""
    if abs(float(logits[found] - logits[right])) < SLACK and decoding.temperature > 0:
        return True
    moved = torch.tensor([max(0.0, number - SLACK), min(1 - 1e-9, number + SLACK)])
    return found in pick(logits.repeat(2, 1), moved.double(), decoding).tolist()


def check_all(models, name: str, rows, drawn, decoding: Decoding, end: int) -> None:
    if not isinstance(models, dict):
        models = dict.fromkeys((r.key.weights for r in rows), models)
    equal = [
        check(models[r.key.weights], name, r, d, decoding, 7, end)
        for r, d in zip(rows, drawn, strict=True)
    ]
    # Edges are rare: nearly all tokens are exactly those of the plain model.
    assert sum(equal) >= 0.98 * sum(len(d.ids) for d in drawn)


def end_at(tiny, model, tokens: list[int]) -> None:
    """Let more tokens end a text, in both, so that rows finish at different steps."""
    ends = [tiny.eos, *tokens]
    tiny.model.generation_config.eos_token_id = ends
    model.generation_config.eos_token_id = ends


@pytest.fixture
def plain_copy(tiny_folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder).eval()


def generate(model, ids: tuple[int, ...], new: int) -> list[int]:
    with torch.inference_mode():
        whole = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=new,
        )
    return whole[0, len(ids) :].tolist()


def test_greedy_equals_generate(tiny, plain, row) -> None:
    rows = [row(ids, f"p{i}") for i, ids in enumerate(prompts([3, 17, 1, 60, 17, 8]))]
    drawn = draw(tiny, rows, GREEDY)
    assert [list(d.ids) for d in drawn] == [generate(plain, r.ids, 16) for r in rows]
    assert {d.finish_reason for d in drawn} == {"length"}


def test_greedy_with_early_ends_equals_generate(tiny, plain_copy, row) -> None:
    rows = [
        row(ids, f"p{i}") for i, ids in enumerate(prompts([5, 30, 12, 3, 9, 21, 14, 7], seed=4))
    ]
    end_at(tiny, plain_copy, list(range(100, 160)))
    ends = {tiny.eos, *range(100, 160)}
    expected = [generate(plain_copy, r.ids, 16) for r in rows]
    drawn = draw(tiny, rows, GREEDY)
    steps = set()
    for found, whole in zip(drawn, expected, strict=True):
        stopped = whole[-1] in ends
        assert list(found.ids) == (whole[:-1] if stopped else whole)
        assert found.finish_reason == ("stop" if stopped else "length")
        assert not ends & set(found.ids)
        steps.add(len(found.ids))
    assert len(steps) > 2  # rows did finish at different steps


@pytest.mark.parametrize("decoding", [WARM, NUCLEUS], ids=["plain", "nucleus"])
def test_sampled_equals_the_plain_model(tiny, plain, row, decoding) -> None:
    rows = [
        row(ids, f"p{i}", draw)
        for i, ids in enumerate(prompts([4, 25, 11], seed=2))
        for draw in range(3)
    ]
    drawn = draw(tiny, rows, decoding)
    check_all(plain, tiny.name, rows, drawn, decoding, tiny.eos)
    assert len({d.ids for d in drawn}) == len(rows)  # draws differ


def test_company_and_order_change_nothing(tiny, plain_copy, row) -> None:
    # With many end tokens, rows leave the batch at different steps and others go on.
    end_at(tiny, plain_copy, list(range(60, 100)))
    rows = [
        row(ids, f"p{i}", draw)
        for i, ids in enumerate(prompts([9, 2, 40, 13, 13, 70, 5], seed=3))
        for draw in range(3)
    ]
    together = draw(tiny, rows, WARM)
    alone = [draw(tiny, [r], WARM)[0] for r in rows]
    assert together == alone
    assert draw(tiny, rows[::-1], WARM)[::-1] == alone
    assert draw(tiny, rows[4:9], WARM) == alone[4:9]
    assert {d.finish_reason for d in alone} == {"stop", "length"}
    assert len({len(d.ids) for d in alone}) > 5


def test_seed_and_draw_decide(tiny, row) -> None:
    ids = prompts([10])[0]
    first, second, again = draw(tiny, [row(ids), row(ids, draw=1), row(ids)], WARM)
    assert first == again
    assert first != second
    assert draw(tiny, [row(ids)], WARM, seed=8)[0] != first


def test_more_tokens_go_on_from_fewer(tiny, row) -> None:
    ids = prompts([10])[0]
    short = draw(tiny, [row(ids)], Decoding(temperature=1.0, max_new_tokens=5))[0]
    long = draw(tiny, [row(ids)], WARM)[0]
    assert long.ids[:5] == short.ids
    assert (short.finish_reason, long.finish_reason) == ("length", "length")


@pytest.mark.parametrize("decoding", [GREEDY, WARM], ids=["greedy", "sampled"])
def test_shared_beginnings_equal_separate_prefill(tiny, plain, row, decoding) -> None:
    # Few-shot like: 60 common tokens; one prompt is the beginning itself, one is repeated,
    # one shares only 20 (its own tree), one nothing.
    shared = prompts([60], seed=5)[0]
    tails = prompts([7, 1, 30], seed=6)
    texts = [shared + tails[0], shared + tails[1], shared + tails[2], shared, shared + tails[0]]
    texts += [shared[:20] + tails[2], tails[2], shared[:55] + tails[0]]
    rows = [row(ids, f"p{i}") for i, ids in enumerate(texts)]
    check_all(plain, tiny.name, rows, draw(tiny, rows, decoding), decoding, tiny.eos)


def test_prefill_in_several_passes(tiny, plain, row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mores.sample.prefill.PREFILL_TOKENS", 70)
    shared = prompts([50], seed=5)[0]
    texts = [shared + t for t in prompts([4, 9, 15], seed=8)] + prompts([90, 3], seed=9)
    rows = [row(ids, f"p{i}") for i, ids in enumerate(texts)]
    check_all(plain, tiny.name, rows, draw(tiny, rows, WARM), WARM, tiny.eos)


def test_stop_text_ends_a_row_and_no_other(tiny, row) -> None:
    rows = [row(ids, f"p{i}") for i, ids in enumerate(prompts([6, 6, 9], seed=2))]
    free = draw(tiny, rows, WARM)
    decode = tiny.tokenizer.decode
    stop = decode(free[1].ids[4:6])
    assert stop not in decode(free[1].ids[:5])
    marked = [row(r.ids, r.prompt_id, stop=stop if i == 1 else "") for i, r in enumerate(rows)]
    drawn = draw(tiny, marked, WARM)
    assert drawn[1] == Drawn(free[1].ids[:6], "stop")
    assert (drawn[0], drawn[2]) == (free[0], free[2])


def test_a_full_context_ends_a_row(tiny, row) -> None:
    tiny.model.config.max_position_embeddings = 40
    near, far = prompts([37, 10], seed=3)
    drawn = draw(tiny, [row(near, "near"), row(far, "far")], WARM)
    # 37 tokens are read; three more fit, and the full context predicts a fourth.
    assert drawn[0].finish_reason == "context"
    assert len(drawn[0].ids) == 4
    assert drawn[1].finish_reason == "length"
    assert len(drawn[1].ids) == 16
    assert drawn == [draw(tiny, [r], WARM)[0] for r in (row(near, "near"), row(far, "far"))]


def test_a_full_context_in_a_large_batch(tiny, row) -> None:
    # One row of twenty is full long before the others finish; it is too few to be dropped at once.
    tiny.model.config.max_position_embeddings = 40
    rows = [row(ids, f"p{i}") for i, ids in enumerate(prompts([38, *[6] * 19], seed=3))]
    alone = [draw(tiny, [r], WARM)[0] for r in rows]
    assert alone[0].finish_reason == "context"
    assert draw(tiny, rows, WARM) == alone


def test_a_limit_at_the_context_is_length(tiny, row) -> None:
    tiny.model.config.max_position_embeddings = 40
    ids = prompts([37])[0]
    drawn = draw(tiny, [row(ids)], Decoding(temperature=1.0, max_new_tokens=4))
    assert (len(drawn[0].ids), drawn[0].finish_reason) == (4, "length")


def test_an_answer_may_be_empty(tiny, plain_copy, row) -> None:
    ids = prompts([10])[0]
    first = draw(tiny, [row(ids)], GREEDY)[0].ids[0]
    end_at(tiny, plain_copy, [first])
    assert draw(tiny, [row(ids)], GREEDY) == [Drawn((), "stop")]


def test_adapters_side_by_side_equal_each_alone(tiny, plain, peft_models, adapters, row) -> None:
    rows = [
        row(ids, f"p{i}", draw, key)
        for i, ids in enumerate(prompts([4, 25, 11], seed=2))
        for draw in range(2)
        for key in (VALUES, ArmKey("base", 0), CONTROL)
    ]
    models = {"base": plain, **peft_models}
    for decoding in (GREEDY, WARM):
        with adapted(tiny, adapters):
            drawn = Decoder(tiny).draw(rows, decoding, 7)
        check_all(models, tiny.name, rows, drawn, decoding, tiny.eos)
        # Not vacuous: the arms do answer differently.
        assert len({d.ids for d in drawn[:3]}) == 3


def test_adapted_rows_leave_the_batch_without_disturbing_others(
    tiny, plain_copy, adapters, row
) -> None:
    end_at(tiny, plain_copy, list(range(60, 120)))
    rows = [
        row(ids, f"p{i}", 0, key)
        for i, ids in enumerate(prompts([4, 25, 11, 60, 8], seed=2))
        for key in (VALUES, ArmKey("prompted", 0), CONTROL)
    ]
    with adapted(tiny, adapters):
        engine = Decoder(tiny)
        together = engine.draw(rows, WARM, 7)
        alone = [engine.draw([r], WARM, 7)[0] for r in rows]
    assert together == alone
    assert len({len(d.ids) for d in together}) > 3


def test_shared_beginnings_of_adapted_rows(tiny, plain, peft_models, adapters, row) -> None:
    shared = prompts([55], seed=5)[0]
    rows = [
        row(shared + tail, f"p{i}", 0, key)
        for i, tail in enumerate(prompts([3, 12], seed=6))
        for key in (CONTROL, ArmKey("few_shot", 0), VALUES)
    ]
    models = {"base": plain, **peft_models}
    with adapted(tiny, adapters):
        drawn = Decoder(tiny).draw(rows, WARM, 7)
    check_all(models, tiny.name, rows, drawn, WARM, tiny.eos)


def test_tokens_are_counted(tiny, row) -> None:
    seen: list[int] = []
    engine = Decoder(tiny, on_tokens=seen.append)
    engine.draw([row(ids, f"p{i}") for i, ids in enumerate(prompts([4, 5]))], WARM, 7)
    assert seen == [2] * 16
