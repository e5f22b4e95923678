"""One flat row equals many plain forward passes: nobody sees what is not theirs.

The oracle is transformers' own model with its own (sdpa) attention, one text at a time.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.errors import ModelError
from mores.weights import attention
from mores.weights.attention import Layout, Tree, stepping, using
from mores.weights.cascade import KeyValueStore
from mores.weights.load import load
from mores.weights.resolve import resolve

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def tokens(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2, 300, (count,), generator=generator)


@torch.no_grad()
def ours(loaded, ids, layout) -> torch.Tensor:
    return loaded.logits(loaded.hidden(ids, layout))


@torch.no_grad()
def theirs(model, ids) -> torch.Tensor:
    return model(input_ids=ids[None], use_cache=False).logits[0]


# Layout ----------------------------------------------------------------------------------


def test_positions_go_on_from_the_prefix_in_every_branch():
    # prefix 0 1 2 | branch 3 4 | branch 3 | next tree 0 1
    layout = Layout((Tree(3, (2, 1)), Tree(2)))
    assert layout.positions().tolist() == [0, 1, 2, 3, 4, 3, 0, 1]
    assert (layout.size, layout.trees[0].size) == (8, 6)
    assert Layout.of([2, 1]) == Layout((Tree(2), Tree(1)))
    assert Layout(()).positions().tolist() == []


# Flat rows -------------------------------------------------------------------------------


def test_a_flat_row_equals_one_text_at_a_time(read_only, plain):
    lengths = [5, 1, 17, 2, 40]
    parts = [tokens(n, seed=n) for n in lengths]
    out = ours(read_only, torch.cat(parts), Layout.of(lengths)).split(lengths)
    for ids, found in zip(parts, out, strict=True):
        torch.testing.assert_close(found, theirs(plain, ids), **CLOSE)


def test_branches_equal_separate_full_texts(read_only, plain):
    trees = (Tree(6, (3, 5, 1)), Tree(4), Tree(2, (7,)))
    flat = tokens(sum(t.size for t in trees), seed=3)
    out = ours(read_only, flat, Layout(trees))
    at = 0
    for tree in trees:
        prefix = flat[at : at + tree.prefix]
        torch.testing.assert_close(out[at : at + tree.prefix], theirs(plain, prefix), **CLOSE)
        at += tree.prefix
        for length in tree.branches:
            own = slice(at, at + length)
            expected = theirs(plain, torch.cat([prefix, flat[own]]))[tree.prefix :]
            torch.testing.assert_close(out[own], expected, **CLOSE)
            at += length


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.lists(st.integers(1, 5), max_size=3)).filter(
            lambda t: t[0] or t[1]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_layout_equals_separate_texts(read_only, plain, shapes):
    trees = tuple(Tree(prefix, tuple(branches)) for prefix, branches in shapes)
    flat = tokens(sum(t.size for t in trees), seed=len(shapes))
    out = ours(read_only, flat, Layout(trees))
    at = 0
    for tree in trees:
        prefix, start = flat[at : at + tree.prefix], at
        at += tree.prefix
        if tree.prefix:
            torch.testing.assert_close(out[start:at], theirs(plain, prefix), **CLOSE)
        for length in tree.branches:
            expected = theirs(plain, torch.cat([prefix, flat[at : at + length]]))[tree.prefix :]
            torch.testing.assert_close(out[at : at + length], expected, **CLOSE)
            at += length


@pytest.mark.parametrize("changed", [0, 4, 5, 9, 12])
def test_a_changed_token_is_seen_by_its_own_text_from_there_on_and_by_no_other(read_only, changed):
    layout = Layout((Tree(5), Tree(3, (2, 3))))
    flat = tokens(13, seed=1)
    other = flat.clone()
    other[changed] += 1
    moved = (ours(read_only, flat, layout) - ours(read_only, other, layout)).abs().amax(-1) > 0
    seen = {0: {0, 1, 2, 3, 4}, 4: {4}, 5: set(range(5, 13)), 9: {9}, 12: {12}}
    assert set(moved.nonzero()[:, 0].tolist()) == seen[changed]


def test_gradients_do_not_leak_either(read_only):
    hidden = read_only.model.get_input_embeddings()(tokens(9)[None]).detach().requires_grad_()
    layout = Layout.of([4, 5])
    with using(layout):
        out = read_only.model.base_model(
            inputs_embeds=hidden, position_ids=layout.positions()[None], use_cache=False
        ).last_hidden_state[0]
    (gradient,) = torch.autograd.grad(out[:4].square().sum(), hidden)
    assert gradient[0, 4:].abs().max() == 0
    assert gradient[0, :4].abs().amax(-1).min() > 0


# Sliding windows -------------------------------------------------------------------------


def brute_force(query, key, value, scale, window, first) -> torch.Tensor:
    """Softmax attention written out; query i stands at position ``first + i``."""
    out = torch.zeros_like(query)
    for head in range(query.shape[1]):
        for i in range(query.shape[2]):
            position = first + i
            seen = [
                j
                for j in range(key.shape[2])
                if j <= position and (window is None or position - j < window)
            ]
            scores = query[0, head, i] @ key[0, head, seen].T * scale
            out[0, head, i] = scores.softmax(-1) @ value[0, head, seen]
    return out


@pytest.mark.parametrize("window", [None, 1, 3, 8, 9, 100])
@pytest.mark.parametrize("queries", [9, 4, 1])
def test_a_window_equals_a_mask_written_out(window, queries):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, n, 4, generator=generator) for n in (queries, 9, 9))
    out = attention._attend(query, key, value, 0.3, window)
    expected = brute_force(query, key, value, 0.3, window, 9 - queries)
    torch.testing.assert_close(out, expected, **CLOSE)


def test_a_model_with_a_sliding_window_equals_its_own_forward(variant, read_only):
    from transformers import AutoModelForCausalLM, MistralConfig

    folder = variant(
        MistralConfig(
            vocab_size=400,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            initializer_range=0.2,
            sliding_window=4,
        )
    )
    loaded = load(resolve(str(folder)))
    plain = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    ids = tokens(30, seed=5)
    expected = theirs(plain, ids)
    torch.testing.assert_close(ours(loaded, ids, Layout.of([30])), expected, **CLOSE)
    branched = ours(
        loaded, torch.cat([ids[:20], ids[20:], ids[20:25]]), Layout((Tree(20, (10, 5)),))
    )
    torch.testing.assert_close(branched[:30], expected, **CLOSE)
    torch.testing.assert_close(branched[30:], expected[20:25], **CLOSE)
    # the window matters here: without it the numbers differ
    wide = AutoModelForCausalLM.from_pretrained(folder, sliding_window=None).eval()
    assert (theirs(wide, ids) - expected).abs().max() > 1e-2
    torch.testing.assert_close(decode_step_by_step(loaded, ids, 11), expected[10:], **CLOSE)


# Decoding --------------------------------------------------------------------------------


@torch.no_grad()
def decode_step_by_step(loaded, ids, prefill) -> torch.Tensor:
    """Logits of the last prefilled token and of all later ones, fed one by one."""
    store = KeyValueStore(1, len(ids))
    layout = Layout.of([prefill])
    with using(layout, store=store, targets=[(0, (0, -1))]):
        hidden = loaded.forward(ids[:prefill], layout.positions())
    store.lengths = torch.tensor([prefill])
    rows = [hidden[-1]]
    for token in ids[prefill:]:
        rows.append(loaded.step(token[None], store)[0])
    return loaded.logits(torch.stack(rows))


def test_decoding_one_by_one_equals_the_full_forward(read_only, plain):
    ids = tokens(20, seed=2)
    torch.testing.assert_close(
        decode_step_by_step(read_only, ids, 7), theirs(plain, ids)[6:], **CLOSE
    )


@torch.no_grad()
def test_rows_of_different_length_decode_side_by_side_and_after_rows_left(read_only, plain):
    prompts = [tokens(n, seed=n) for n in (3, 9, 5)]
    new = tokens(12, seed=9).reshape(4, 3)  # four steps of three rows
    store = KeyValueStore(3, 16)
    layout = Layout.of([len(p) for p in prompts])
    with using(layout, store=store, targets=[(i, (i, -1)) for i in range(3)]):
        read_only.forward(torch.cat(prompts), layout.positions())
    store.lengths = torch.tensor([len(p) for p in prompts])
    rows = [0, 1, 2]
    for step in range(4):
        if step == 2:
            store.keep(torch.tensor([0, 2]))
            rows = [0, 2]
        with stepping(store):
            out = read_only.model.base_model(
                input_ids=new[step, rows][:, None],
                position_ids=store.lengths[:, None],
                use_cache=False,
            )
        found = read_only.logits(out.last_hidden_state[:, 0])
        for place, row in enumerate(rows):
            full = torch.cat([prompts[row], new[: step + 1, row]])
            torch.testing.assert_close(found[place], theirs(plain, full)[-1], **CLOSE)
    assert store.lengths.tolist() == [7, 9]
    assert (store.rows, len(store.keys[0])) == (2, 2)


@torch.no_grad()
def test_branches_of_a_prefix_fill_the_rows_of_the_store(read_only, plain):
    tree = Tree(4, (3, 2))
    flat = tokens(9, seed=6)
    store = KeyValueStore(3, 10)
    layout = Layout((tree,))
    with using(layout, store=store, targets=[(0, (0, 1)), (1, (0, 0)), (2, (0, 1))]):
        read_only.forward(flat, layout.positions())
    texts = [torch.cat([flat[:4], flat[7:9]]), flat[:7], torch.cat([flat[:4], flat[7:9]])]
    store.lengths = torch.tensor([len(t) for t in texts])
    new = torch.tensor([11, 12, 13])
    with stepping(store):
        out = read_only.model.base_model(
            input_ids=new[:, None], position_ids=store.lengths[:, None], use_cache=False
        )
    for row, text in enumerate(texts):
        full = torch.cat([text, new[row : row + 1]])
        found = read_only.logits(out.last_hidden_state[row, 0])
        torch.testing.assert_close(found, theirs(plain, full)[-1], **CLOSE)


# What is refused -------------------------------------------------------------------------


def call(**kwargs):
    x = torch.zeros(1, 2, 3, 4)
    return attention.attention(SimpleNamespace(layer_idx=0), x, x, x, None, **kwargs)


@pytest.mark.parametrize("extra", [{"softcap": 50.0}, {"s_aux": torch.zeros(2)}])
def test_soft_caps_and_sinks_are_refused(extra):
    with using(Layout.of([3])), pytest.raises(ModelError, match="soft-capped"):
        call(**extra)


def test_a_pass_outside_a_layout_is_refused_and_layouts_end_with_their_block(read_only):
    with using(Layout.of([3])):
        call()
    with pytest.raises(RuntimeError, match="inner"), using(Layout.of([3])):
        raise RuntimeError("inner")
    with pytest.raises(ModelError, match="outside"):
        call()
