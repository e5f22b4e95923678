"""The co-occurrence benchmark on a few texts; nothing here is timed."""

import argparse
import json
from collections import Counter

import numpy as np
import pytest

import cooccurrence as bench


def test_texts_are_seeded_and_their_length_and_frequencies_as_said():
    rows = list(bench.texts(3000, batch=500))
    assert rows == list(bench.texts(3000, batch=500))
    assert rows != list(bench.texts(3000, seed=2, batch=500))
    assert [group for _, group in rows[:3]] == ["men", "women", "men"]
    lengths = [len(text.split()) for text, _ in rows]
    # Poisson with mean 40: four standard errors of 6.3 / sqrt(3000).
    assert np.mean(lengths) == pytest.approx(40, abs=0.46)
    tokens = Counter(word for text, _ in rows for word in text.split())
    n, share = tokens.total(), bench.shares(bench.WORDS)[0]
    most = tokens.most_common(1)[0][1]
    assert most / n == pytest.approx(share, abs=4 * (share / n) ** 0.5)


def test_the_same_texts_come_back_from_the_file(tmp_path):
    file = tmp_path / "texts.tsv"
    bench.write_side(argparse.Namespace(file=file, texts=30))
    assert list(bench.read(file, 30)) == list(bench.texts(30))
    assert list(bench.read(file, 7)) == list(bench.texts(30))[:7]


def test_our_side_counts_every_word(tmp_path):
    file, out = tmp_path / "texts.tsv", tmp_path / "counts.npz"
    bench.write_side(argparse.Namespace(file=file, texts=30))
    found = bench.mores_side(argparse.Namespace(file=file, texts=30, out=out))
    tokens = [word for text, _ in bench.texts(30) for word in text.split()]
    assert (found["texts"], found["words"]) == (30, len(tokens))
    assert found["vocabulary"] == len(set(tokens))
    saved = np.load(out)
    assert saved["counts"].sum() == len(tokens)
    json.dumps(found)


def sides(tmp_path, **changed):
    """Counts of two words as either side saves them; z by hand."""
    counts = np.array([[30, 10, 5], [10, 30, 7]])
    np.savez(tmp_path / "own.npz", words=np.array(["a", "b", "rare"]), counts=counts)
    # The peer has two of the words. With .1 each: log(30.1 / 10.1) - log(10.1 / 30.1).
    z = 2 * np.log(30.1 / 10.1) / np.sqrt(1 / 30.1 + 1 / 10.1)
    peer = {"words": np.array(["b", "a"]), "counts": counts[:, [1, 0]], "z": np.array([-z, z])}
    np.savez(tmp_path / "peer.npz", **{**peer, **changed})
    return tmp_path / "own.npz", tmp_path / "peer.npz"


def test_equal_numbers_agree(tmp_path):
    assert bench.disagreement(*sides(tmp_path)) == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"z": np.array([-4.0, 4.0])}, "z differs by up to"),
        ({"counts": np.array([[11, 30], [30, 10]])}, "1 words have other counts"),
        ({"words": np.array(["b", "c"])}, "1 words of the peer were not counted, such as 'c'"),
    ],
)
def test_other_numbers_are_told(tmp_path, changed, message):
    assert message in bench.disagreement(*sides(tmp_path, **changed))


def test_table_by_hand():
    ours = [{"texts": 100, "seconds": s, "peak_mb": 50.0} for s in (1.0, 3.0, 2.0)]
    theirs = [{"texts": 100, "seconds": s, "peak_mb": 100.0} for s in (8.0, 4.0, 16.0)]
    assert bench.table(ours, theirs).splitlines()[2:] == [
        "| seconds | 2.00 (1.00-3.00) | 8.00 (4.00-16.00) | 4.0 |",
        "| peak, MB | 50 (50-50) | 100 (100-100) | 2.0 |",
        "| texts a second | 50 | 12 | 4.0 |",
    ]
    assert "8,000 words x 8 bytes a text, 64 GB for 1,000,000" in bench.dense(
        {"vocabulary": 8000}, 1_000_000
    )


def test_without_a_peer_it_says_how_to_get_one(capsys):
    assert bench.main(["--texts", "50"]) == 0
    out = capsys.readouterr().out
    assert "mores: 50 texts" in out
    assert "pip install convokit" in out


def test_a_peer_that_fails_is_told(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no convokit here >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(SystemExit, match="the peer side failed:\n\nno convokit here"):
        bench.main(["--texts", "20", "--peer", str(python), "--peer-texts", "10"])


def test_null_table_has_a_row_for_each_kind_of_text():
    lines = bench.null_table(2).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == [
        "| words drawn independently",
        "| words in bursts",
    ]
    rates = [float(cell.split(" ± ")[0]) for line in lines[2:4] for cell in line.split(" | ")[1:]]
    assert len(rates) == 6
    assert all(0 <= rate <= 1 for rate in rates)
