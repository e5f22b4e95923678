"""What is probed when a model is loaded: each fault that a probe is for is seen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import masking_utils

from mores.weights import attention, probe
from mores.weights.attention import Seen
from mores.weights.load import load
from mores.weights.probe import gap
from mores.weights.resolve import resolve
from mores.weights.way import Way


@pytest.mark.parametrize(
    ("function", "size", "kind"),
    [
        (masking_utils.causal_mask_function, None, None),
        (masking_utils.sliding_window_causal_mask_function(6), 6, 6),
        (masking_utils.sliding_window_causal_mask_function(4096), 4096, 4096),
        (
            masking_utils.chunked_causal_mask_function(8192, torch.zeros(1, dtype=torch.int)),
            8192,
            "chunked",
        ),
        (masking_utils.bidirectional_mask_function, None, "not causal"),
    ],
)
def test_masks_are_known_from_transformers_own_functions(function, size, kind):
    assert attention._kind(function, size) == kind


def complaint(windows, masks, layers=2, kinds=None) -> str:
    config = SimpleNamespace(num_hidden_layers=layers, layer_types=kinds)
    return Seen(dict(enumerate(windows)), set(masks)).complaint(config)


def test_windows_that_no_probe_is_long_enough_for_are_seen():
    assert complaint([None, None], [None]) == ""
    assert complaint([4096, None], [4096, None]) == ""
    assert "window" in complaint([None, None], [4096, None])
    assert "window" in complaint([4096, 4096], [None])
    assert "chunked" in complaint([None, None], ["chunked", None])
    assert complaint([None], [None]) == "only 1 of 2 layers use the attention that we replace"
    # masks made for kinds of layers that the model does not have
    full = ["full_attention"] * 2
    assert complaint([None, None], [4096, "chunked", None], kinds=full) == ""
    assert "chunked" in complaint([None, None], ["chunked"], kinds=["chunked_attention"] * 2)


def spoiled(tiny_folder, monkeypatch, name, replacement) -> Way:
    monkeypatch.setattr(attention, name, replacement)
    return load(resolve(str(tiny_folder))).way


def test_rows_that_see_each_other_are_not_run_in_one_row(tiny_folder, monkeypatch):
    def leaking(layout, query, key, value, scaling, window):
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        return attention._attend(query, key, value, scaling, window).transpose(1, 2)

    way = spoiled(tiny_folder, monkeypatch, "_flat", leaking)
    assert not way.flat
    assert way.why == "texts in one row give other numbers than alone"
    assert way.padded
    assert way.steps == "padded"


def test_wrong_steps_are_seen(tiny_folder, monkeypatch):
    true = attention._step

    def forgetful(module, now, query, key, value, scaling, window):
        return true(module, now, query, key * 1.5, value, scaling, window)

    way = spoiled(tiny_folder, monkeypatch, "_step", forgetful)
    assert way.why == "decoding step by step gives other numbers than one pass"


def test_a_fault_of_an_architecture_is_a_reason_not_a_crash(tiny_folder, monkeypatch):
    def broken(*_):
        raise IndexError("too many indices")

    way = spoiled(tiny_folder, monkeypatch, "_flat", broken)
    assert way.why == "our attention does not fit it (too many indices)"


def test_the_way_is_said_in_one_line_with_its_cost(tiny_folder, monkeypatch):
    said = []
    monkeypatch.setattr(probe, "_flat", lambda *_: "it is a test")
    load(resolve(str(tiny_folder)), say=said.append)
    assert len(said) == 1
    assert "(LlamaForCausalLM) is run as transformers runs it: it is a test." in said[0]
    assert "slower" in said[0]
    monkeypatch.undo()
    load(resolve(str(tiny_folder)), say=said.append)
    assert len(said) == 1


def test_the_gap_is_relative_and_sees_what_is_not_a_number():
    own = torch.tensor([1.0, -4.0, -torch.inf])
    assert gap(own, torch.tensor([1.0, -3.0, -torch.inf])) == pytest.approx(0.25)
    assert gap(own, torch.tensor([1.0, -4.0, 0.0])) == float("inf")
    assert gap(own, torch.tensor([torch.nan, -4.0, -torch.inf])) == float("inf")


# What only some architectures, or only 16 bits, show ------------------------------------------


def written(tiny_folder, tmp_path, name, **settings):
    from architectures import ARCHITECTURES, write

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, name, {**ARCHITECTURES.get(name, {}), **settings})
        return write(tiny_folder, tmp_path / name, name)


def test_sixteen_bits_do_not_make_the_probe_blind(tiny_folder, tmp_path):
    folder = str(written(tiny_folder, tmp_path, "minimax"))
    for dtype in ("float32", "bfloat16"):
        assert load(resolve(folder), dtype=dtype).way.steps == "level"


def test_settings_in_the_models_own_generation_file_change_nothing(tiny_folder, tmp_path):
    import json

    from test_architectures import BASE, PROMPTS, drawn, greedy, plain

    folder = written(tiny_folder, tmp_path, "falcon")
    path = folder / "generation_config.json"
    extra = {
        "repetition_penalty": 1.3,
        "no_repeat_ngram_size": 2,
        "num_beams": 3,
        "max_time": 0.001,
    }
    path.write_text(json.dumps({**json.loads(path.read_text()), **extra}))
    loaded = load(resolve(str(folder)))
    assert loaded.way.steps == "padded"
    model = plain(folder)
    assert drawn(loaded, BASE) == [greedy(model, p, loaded.ends) for p in PROMPTS]
    assert loaded.model.generation_config.repetition_penalty == 1.3  # put back


def test_positions_that_depend_on_the_length_of_a_text_keep_rows_apart(tiny_folder, tmp_path):
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [2.0] * 4,
        "original_max_position_embeddings": 32,
    }
    folder = written(tiny_folder, tmp_path, "phi3", rope_parameters=rope)
    way = load(resolve(str(folder))).way
    assert (way.flat, way.padded, way.steps) == (False, False, "level")
    assert way.why == probe.BY_LENGTH


def test_the_longest_text_is_found_under_each_of_its_names(tiny_folder, tmp_path):
    folder = written(tiny_folder, tmp_path, "mpt", max_seq_len=64)
    assert load(resolve(str(folder))).context == 64
