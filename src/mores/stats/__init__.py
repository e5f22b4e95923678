"""Estimates with intervals, never bare numbers: one statistic a file.

Pure arithmetic on arrays. Every statistic returns a `mores.records.Estimate`
whose measure, contrast and category the caller fills in. Input that holds NaN
raises `MeasureError`, except where NaN is said to mean "absent". Where there is
neither an interval nor a p, the verdict is "not computable" and the reason says
why; the value is kept if the point estimate is defined all the same.

    contrast of arms     paired_difference, paired_t, stratified_t, sign_flip, crossed_effect
    size of an effect    probability_of_superiority, cliffs_delta, cohens_d
    many tests           holm, benjamini_hochberg
    raters and scorers   krippendorff_alpha, auc, wilson
    capability           non_inferiority, mcnemar
    anything else        cluster_bootstrap
    planning             detectable_difference, items_needed, smallest_p

    python -c "from mores.stats import wilson; print(wilson(7, 10))"
"""

from mores.stats.auc import auc
from mores.stats.cliffs_delta import cliffs_delta
from mores.stats.cluster_bootstrap import cluster_bootstrap
from mores.stats.cohens_d import cohens_d
from mores.stats.crossed_effect import crossed_effect
from mores.stats.krippendorff_alpha import krippendorff_alpha
from mores.stats.mcnemar import mcnemar
from mores.stats.multiplicity import benjamini_hochberg, holm
from mores.stats.non_inferiority import non_inferiority
from mores.stats.paired_difference import paired_difference
from mores.stats.paired_t import paired_t, stratified_t
from mores.stats.power import detectable_difference, items_needed
from mores.stats.probability_of_superiority import probability_of_superiority
from mores.stats.sign_flip import sign_flip, smallest_p
from mores.stats.wilson import wilson

__all__ = [
    "auc",
    "benjamini_hochberg",
    "cliffs_delta",
    "cluster_bootstrap",
    "cohens_d",
    "crossed_effect",
    "detectable_difference",
    "holm",
    "items_needed",
    "krippendorff_alpha",
    "mcnemar",
    "non_inferiority",
    "paired_difference",
    "paired_t",
    "probability_of_superiority",
    "sign_flip",
    "smallest_p",
    "stratified_t",
    "wilson",
]
