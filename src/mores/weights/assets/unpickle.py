"""Read a pickle or joblib file of a scikit-learn estimator as data, running nothing.

Takes a file, gives its object tree in which every object of scikit-learn,
scipy and joblib is an inert `Stand_in` with plain attributes, and arrays are
numpy arrays. Any other global that the stream names is refused, so the stream
can call nothing but the few numpy functions of the allow-list.

    vectorizer = read_pickle(Path("vectorizer.joblib"))
    print(len(vectorizer.vocabulary_))

joblib (numpy_pickle.py, NumpyArrayWrapper) writes an array's bytes into the
stream right after the wrapper object: one byte that gives the length of the
padding, the padding, the data in C or Fortran order.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from mores.errors import AssetError

INERT = ("sklearn", "scipy", "joblib")


class StandIn:
    """Has the attributes of the object it stands for, and no behaviour."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments


class _JoblibArray(StandIn):
    """Stands for joblib's wrapper, whose array follows it in the stream."""


@lru_cache(maxsize=64)
def _stand_in(module: str, name: str) -> type[StandIn]:
    if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
        return _JoblibArray
    return type(name, (StandIn,), {"__module__": f"stand_in.{module}"})


def _reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray[Any, Any]:
    """Do what numpy's own function of that name does: make an array to be filled."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"expected numpy.ndarray, found {kind!r}")
    return np.empty(shape, dtype=code)


def _scalar(dtype: Any, data: Any) -> Any:
    """Do what numpy's own function of that name does: make one number from its bytes."""
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise pickle.UnpicklingError(f"a scalar of {dtype!r} cannot be read as data")
    return np.frombuffer(data, dtype=dtype)[0]


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "float64"): np.float64,
    # numpy 2 renamed its inner package.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
}


class _Reader(pickle._Unpickler):  # noqa: SLF001 (only the Python one can be told to read arrays)
    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file)
        self._file = file
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        allowed = _ALLOWED.get((module, name))
        if allowed is not None:
            return allowed
        # A dotted name would reach into a class: pickle resolves it by attribute.
        if module.partition(".")[0] in INERT and name.isidentifier():
            return _stand_in(module, name)
        raise AssetError(
            f"the pickle names {module}.{name}, which is not on the allow-list",
            path=self._path.name,
            fix="do not load this file by other means; report it",
        )

    def get_extension(self, code: int) -> Any:
        raise AssetError(
            f"the pickle uses the extension registry (code {code})", path=self._path.name
        )

    def load_build(self) -> None:
        super().load_build()  # type: ignore[misc]
        stack: list[Any] = self.stack  # type: ignore[attr-defined]
        if isinstance(stack[-1], _JoblibArray):
            stack[-1] = _read_array(self._file, stack[-1])

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,  # noqa: SLF001
        pickle.BUILD[0]: load_build,
    }


def _read_array(file: BinaryIO, wrapper: Any) -> np.ndarray[Any, Any]:
    dtype, shape = wrapper.dtype, tuple(int(size) for size in wrapper.shape)
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise pickle.UnpicklingError(f"an array of {dtype!r} cannot be read as data")
    if getattr(wrapper, "numpy_array_alignment_bytes", None) is not None:
        padding = file.read(1)
        file.read(padding[0] if padding else 0)
    length = math.prod(shape) * dtype.itemsize
    data = file.read(length)
    if len(data) != length:
        raise pickle.UnpicklingError(f"expected {length} bytes of array, found {len(data)}")
    flat: np.ndarray[Any, Any] = np.frombuffer(data, dtype=dtype)
    return flat.reshape(shape, order="F" if wrapper.order == "F" else "C").copy()


def read_pickle(path: Path) -> Any:
    """Read a pickle or an uncompressed joblib file without running anything in it.

    Args:
        path: a file written by ``pickle.dump`` or ``joblib.dump`` with protocol 3 or 4, or
            by ``joblib.dump`` with its default protocol 5.

    Returns:
        The object tree; see the module's description.

    Raises:
        AssetError: the stream names a global outside the allow-list, holds an array of
            objects, or is damaged.
    """
    with path.open("rb") as file:
        try:
            return _Reader(file, path).load()
        except AssetError:
            raise
        # A hostile stream can make any opcode fail in any way; all mean the same here.
        except Exception as error:  # noqa: BLE001
            raise AssetError(
                f"cannot be read as data: {type(error).__name__}: {error}", path=path.name
            ) from None
