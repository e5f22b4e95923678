"""Units: each request once, in a fixed plan, within the memory that was given."""

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import DataError
from mores.sample import plan
from mores.sample.plan import (
    LIBRARIES_GB,
    MOST_ROWS,
    WAVES,
    found_gb,
    memory_budget,
    plan_units,
    row_bytes,
    rows_side_by_side,
    weight_bytes,
)
from mores.sample.requests import Request
from mores.study import load_study
from mores.study.arms import ArmKey

KEYS = [
    ArmKey("base", 0),
    ArmKey("control", 2),
    ArmKey("control", 1),
    ArmKey("values_targeted", 1),
]


def grid(sizes: list[int], draws: int) -> list[Request]:
    return [
        Request(key, f"p{i}", "care", draw, tuple(range(5, 5 + size)))
        for key in KEYS
        for i, size in enumerate(sizes)
        for draw in range(draws)
    ]


def memory(tiny, rows: float, columns: int) -> float:
    return (rows * row_bytes(tiny, columns) + weight_bytes(tiny)) / 1e9 + LIBRARIES_GB


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    draws=st.integers(1, 3),
    batch_rows=st.integers(0, 9),
    order=st.randoms(use_true_random=False),
)
def test_every_request_once_whatever_their_order(
    tiny, sizes: list[int], draws: int, batch_rows: int, order: random.Random
) -> None:
    requests = grid(sizes, draws)
    units = plan_units(tiny, requests, 10, batch_rows=batch_rows, memory_gb=2.0)
    assert sorted(map(str, requests)) == sorted(str(r) for unit in units for r in unit)
    if batch_rows:
        lengths = [len(u) for u in units]
        assert max(lengths) <= WAVES * batch_rows
        assert max(lengths) - min(lengths) <= len(units)  # none is left over for the end
    mixed = list(requests)
    order.shuffle(mixed)
    assert plan_units(tiny, mixed, 10, batch_rows=batch_rows, memory_gb=2.0) == units


def test_long_prompts_first_and_draws_together(tiny) -> None:
    (unit,) = plan_units(tiny, grid([3, 9, 5], 3), 10, batch_rows=0, memory_gb=2.0)
    lengths = [len(r.ids) for r in unit]
    assert lengths == sorted(lengths, reverse=True)
    prompts = [(r.key.weights, r.prompt_id) for r in unit]
    changes = sum(a != b for a, b in pairwise(prompts))
    assert changes == len(set(prompts)) - 1


def test_bytes_of_a_row_by_hand(tiny) -> None:
    # Keys and values of 2 layers, 2 key heads of width 8, 4 bytes: 2·2·2·8·4 = 256 a column;
    # 16 bytes for each logit. 20 columns: 5120.
    vocabulary = tiny.model.config.vocab_size
    assert row_bytes(tiny, 20) == 5120 + 16 * vocabulary
    weights = sum(p.numel() for p in tiny.model.parameters())
    assert weight_bytes(tiny) == 4 * weights


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_the_memory_limit_is_respected(tiny, rows: int) -> None:
    requests = grid([40, 40, 40, 40], 3)
    given_gb = memory(tiny, rows + 0.5, 50)
    assert rows_side_by_side(tiny, requests, 10, batch_rows=0, memory_gb=given_gb) == rows
    units = plan_units(tiny, requests, 10, batch_rows=0, memory_gb=given_gb)
    assert max(len(unit) for unit in units) <= WAVES * rows


def test_shorter_prompts_allow_more_rows(tiny) -> None:
    given_gb = memory(tiny, 5, 70)
    units = plan_units(tiny, grid([60, 60, 2, 2, 2, 2], 2), 10, batch_rows=0, memory_gb=given_gb)
    widths = [rows_side_by_side(tiny, u, 10, batch_rows=0, memory_gb=given_gb) for u in units]
    assert widths[0] == 5
    assert max(widths) > 5


def test_too_little_memory_still_makes_progress(tiny) -> None:
    (unit, *_) = units = plan_units(tiny, grid([3], 1), 10, batch_rows=0, memory_gb=0.1)
    assert [len(u) for u in units] == [WAVES, WAVES]
    assert rows_side_by_side(tiny, unit, 10, batch_rows=0, memory_gb=0.1) == 1


def test_no_batch_is_wider_than_pays(tiny) -> None:
    requests = grid([3] * 60, 3)
    units = plan_units(tiny, requests, 10, batch_rows=0, memory_gb=64)
    assert [len(u) for u in units] == [240, 240, 240]  # at most twice 160
    assert rows_side_by_side(tiny, units[0], 10, batch_rows=0, memory_gb=64) == MOST_ROWS["cpu"]


def test_a_cache_is_never_planned_beyond_the_context(tiny) -> None:
    tiny.model.config.max_position_embeddings = 50
    given_gb = memory(tiny, 6, 50)
    requests = grid([40, 40], 1)
    assert rows_side_by_side(tiny, requests, 1000, batch_rows=0, memory_gb=given_gb) == 6


# The budget of a run ---------------------------------------------------------------------------


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch):
    def say(gb: float) -> None:
        monkeypatch.setattr("mores.weights.machine.free_for_models_gb", lambda: gb)

    return say


def test_a_run_keeps_the_memory_that_it_began_with(tiny_study, free, tiny) -> None:
    study = load_study(tiny_study)
    free(20.03)
    assert memory_budget(study, tiny) == 14.0  # 70 % of it, rounded down; nothing is written
    free(10.0)
    assert memory_budget(study, tiny, keep=True) == 7.0
    free(90.0)
    assert memory_budget(study, tiny) == memory_budget(study, tiny, keep=True) == 7.0
    kept = study.run_folder / plan.BUDGET
    assert json.loads(kept.read_text()) == {"memory_gb": 7.0}
    assert memory_budget(load_study(tiny_study, overrides=("sample.memory_gb=3.5",)), tiny) == 3.5
    kept.write_text('{"memory_gb": -1}')
    with pytest.raises(DataError, match=r"memory\.json"):
        memory_budget(study, tiny)


def test_weights_that_lie_in_memory_are_counted_once(free, tiny, monkeypatch) -> None:
    # 64 GB were free; 32 of them are weights now: 0.7 of 64 are 44.8, of which 12 are for rows.
    monkeypatch.setattr(plan, "weight_bytes", lambda _: 32e9)
    free(32.0)
    gb = found_gb(tiny)
    assert gb == pytest.approx(44.8)
    some = grid([40] * 40, 2)
    assert rows_side_by_side(tiny, some, 10, batch_rows=0, memory_gb=gb) == MOST_ROWS["cpu"]


def test_a_model_of_half_a_billion_weights_is_not_drawn_row_by_row() -> None:
    # 24 layers, 2 key heads of width 64, 24,576 bytes a token in float32; 151,936 logits; 2 GB of
    # weights, 400 tokens: 9.83 MB + 2.43 MB a row. Of 14 GB, 11.2 are left: 913 rows.
    from types import SimpleNamespace

    import torch

    config = SimpleNamespace(
        num_attention_heads=14,
        num_key_value_heads=2,
        head_dim=64,
        num_hidden_layers=24,
        hidden_size=896,
        vocab_size=151_936,
    )
    config.get_text_config = lambda: config
    weights = [torch.empty(500_000_000, device="meta")]
    model = SimpleNamespace(config=config, parameters=lambda: iter(weights))
    big = SimpleNamespace(model=model, context=32_768, device=torch.device("cpu"))
    assert row_bytes(big, 400) == 24_576 * 400 + 16 * 151_936
    requests = [Request(KEYS[0], f"p{i}", "c", 0, (5,) * 200) for i in range(600)]
    rows = {
        gb: rows_side_by_side(big, requests, 200, batch_rows=0, memory_gb=gb)
        for gb in (2.0, 3.2, 4.0, 14.0)
    }
    assert rows == {2.0: 1, 3.2: 32, 4.0: 97, 14.0: 160}
