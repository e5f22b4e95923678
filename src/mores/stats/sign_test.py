"""The sign test: of pairs that differ, is the first as often above as below?

Takes paired differences, gives the share of positive ones with an exact p; for shares (0 and 1) it
is McNemar's test.

    python -c "from mores.stats import sign_test; print(sign_test([1, 2, 3, -1, 5, 2, 0]).p)"
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.inputs import not_computable, vector

METHOD = "share of positive differences, ties counted half; sign test, exact, two-sided"


def sign_test(differences: ArrayLike) -> Estimate:
    """Return how often a difference is positive, ties counted half.

    p: binomial with ½ over the differences that are not zero (Dixon & Mood 1946, Journal of the
    American Statistical Association 41, 557). Holds where each pair is as likely either way round,
    whatever the size of the differences.

    Args:
        differences: shape (n,), one a pair.

    Returns:
        value in [0, 1], ½ where neither is higher; p, 1 where no pair differs; no interval. Not
        computable without pairs.

    Raises:
        MeasureError: NaN or infinite values.
    """
    from scipy.stats import binomtest

    values = vector(differences, "differences")
    if not len(values):
        return not_computable("no pairs", n=0, unit="pair", method=METHOD)
    above, below = int(np.sum(values > 0)), int(np.sum(values < 0))
    p = float(binomtest(above, above + below).pvalue) if above + below else 1.0
    return Estimate(
        value=(above + 0.5 * (len(values) - above - below)) / len(values),
        p=p,
        n=len(values),
        unit="pair",
        method=METHOD,
        details={"above": above, "below": below},
    )
