"""The restricted reader: arrays and inert objects in, everything else refused."""

import io
import os
import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from mores.errors import AssetError
from mores.weights.assets.unpickle import StandIn, read_pickle


def written(tmp_path, data, name="x.pkl"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("write", ["pickle", "joblib"])
def test_an_estimator_becomes_inert_with_equal_arrays(tmp_path, write):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.2]])
    model = LogisticRegression().fit(X, [0, 1, 1, 0])
    path = tmp_path / "model"
    if write == "joblib":
        joblib.dump(model, path)
    else:
        path.write_bytes(pickle.dumps(model))
    read = read_pickle(path)
    assert isinstance(read, StandIn)
    assert not hasattr(read, "predict")
    assert type(read).__name__ == "LogisticRegression"
    np.testing.assert_array_equal(read.coef_, model.coef_)
    np.testing.assert_array_equal(read.classes_, [0, 1])
    assert read.C == 1.0


def test_a_nested_estimator_keeps_its_vocabulary(tmp_path):
    path = tmp_path / "v.joblib"
    vectorizer = TfidfVectorizer().fit(["a cat sat", "the cat ran"])
    joblib.dump(vectorizer, path)
    read = read_pickle(path)
    assert read.vocabulary_ == vectorizer.vocabulary_
    np.testing.assert_array_equal(read._tfidf.idf_, vectorizer.idf_)


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    dtype=st.sampled_from(["<f8", "<f4", "<i8", "|u1", "<U3", "|b1"]),
    order=st.sampled_from("CF"),
    protocol=st.sampled_from([3, 4]),
)
def test_arrays_survive_both_formats(tmp_path_factory, shape, dtype, order, protocol):
    flat = np.arange(int(np.prod(shape))).astype(dtype)
    array = np.asarray(flat.reshape(shape), order=order)
    path = tmp_path_factory.mktemp("a") / "array"
    joblib.dump({"a": array, "b": [array, "after"]}, path, protocol=protocol)
    read = read_pickle(path)
    for found in (read["a"], read["b"][0]):
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype
    assert read["b"][1] == "after"  # the stream goes on at the right byte
    path.write_bytes(pickle.dumps(array, protocol=protocol))
    np.testing.assert_array_equal(read_pickle(path), array)


class _Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ((os.system, ("touch {mark}",)), "posix.system"),
        ((eval, ("open({mark!r}, 'w')",)), "builtins.eval"),
        ((getattr, (os, "system")), "builtins.getattr"),
        ((np.load, ("{mark}",)), "numpy"),
        ((io.open, ("{mark}", "w")), "io"),
    ],
)
def test_any_other_global_is_refused_before_it_is_called(tmp_path, call, named):
    mark = tmp_path / "mark"
    arguments = tuple(a.format(mark=str(mark)) if isinstance(a, str) else "os" for a in call[1])
    path = written(tmp_path, pickle.dumps(_Evil(call[0], arguments)))
    with pytest.raises(AssetError, match=named) as caught:
        read_pickle(path)
    assert "not on the allow-list" in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    "stream",
    [
        # Dotted name: pickle would resolve joblib.os, then its attribute system.
        b"\x80\x04\x8c\x06joblib\x8c\x09os.system\x93.",
        b"\x80\x04\x8c\x12numpy.core.records\x8c\x09fromarray\x93.",
        # The extension registry reaches globals without naming them.
        b"\x80\x02\x82\x01.",
    ],
)
def test_side_doors_are_closed(tmp_path, stream):
    with pytest.raises(AssetError):
        read_pickle(written(tmp_path, stream))


def test_a_call_of_an_inert_class_runs_nothing(tmp_path):
    # sklearn.x.system("ls"): the name is on the list, what it makes is a stand-in.
    stream = b"\x80\x04\x8c\x09sklearn.x\x8c\x06system\x93\x8c\x02ls\x85R."
    read = read_pickle(written(tmp_path, stream))
    assert isinstance(read, StandIn)
    assert read.arguments == ("ls",)


def test_arrays_of_objects_are_refused(tmp_path):
    path = tmp_path / "objects.joblib"
    joblib.dump(np.array([{"a": 1}, None], dtype=object), path)
    with pytest.raises(AssetError, match="cannot be read as data"):
        read_pickle(path)


@pytest.mark.parametrize("cut", [1, 50, 200])
def test_a_cut_file_is_refused(tmp_path, cut):
    path = tmp_path / "cut.joblib"
    joblib.dump({"a": np.arange(100.0)}, path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(AssetError, match="cannot be read as data"):
        read_pickle(path)
