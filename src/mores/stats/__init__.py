"""Estimates with intervals, never bare numbers: one statistic a file.

Pure arithmetic on arrays. Every statistic returns a `mores.records.Estimate`
whose measure, contrast and category the caller fills in. Input that holds NaN
raises `MeasureError`, except where NaN is said to mean "absent". Where there is
neither an interval nor a p, the verdict is "not computable" and the reason says
why; the value is kept if the point estimate is defined all the same.

    contrast of arms     paired_difference, paired_t, stratified_t, sign_flip, crossed_effect,
                         bounded_mean_p, rater_adjustment, sign_test
    size of an effect    probability_of_superiority, cohens_d
    model sizes          page_trend, size_slope
    many tests           holm, benjamini_hochberg, benjamini_yekutieli
    raters and scorers   rating_table, krippendorff_alpha, cumulative_link_mixed, auc, wilson
    two samples          rank_sum, two_shares
    judges beside people alternative_annotator_test, prediction_powered_mean, judge_corrected_rate
    capability           non_inferiority, equivalence
    robustness           kept_share, weighted_mean
    votes of people      clopper_pearson, adjusted_rand
    anything else        cluster_bootstrap
    planning             study_power, rating_spread, toxicity_spread, power, sample_size,
                         detectable_difference, smallest_p

    python -c "from mores.stats import wilson; print(wilson(7, 10))"
"""

from mores.stats.adjusted_rand import adjusted_rand
from mores.stats.alternative_annotator_test import alternative_annotator_test
from mores.stats.assumed_spread import Spread, rating_spread, toxicity_spread
from mores.stats.auc import auc
from mores.stats.bounded_mean import bounded_mean_least, bounded_mean_p
from mores.stats.clopper_pearson import clopper_pearson, clopper_pearson_most
from mores.stats.cluster_bootstrap import cluster_bootstrap
from mores.stats.cohens_d import cohens_d
from mores.stats.crossed_effect import crossed_effect
from mores.stats.cumulative_link_mixed import CumulativeLinkMixed, cumulative_link_mixed
from mores.stats.design_power import detectable_difference, power, sample_size
from mores.stats.equivalence import equivalence
from mores.stats.judge_corrected_rate import judge_corrected_rate
from mores.stats.kept_share import kept_share
from mores.stats.krippendorff_alpha import krippendorff_alpha
from mores.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from mores.stats.non_inferiority import non_inferiority
from mores.stats.page_trend import page_trend
from mores.stats.paired_difference import paired_difference
from mores.stats.paired_t import paired_t, stratified_t
from mores.stats.prediction_powered_mean import prediction_powered_mean
from mores.stats.probability_of_superiority import probability_of_superiority
from mores.stats.rank_sum import rank_sum
from mores.stats.rater_adjustment import RaterAdjustment, rater_adjustment
from mores.stats.rating_table import rating_table
from mores.stats.sign_flip import sign_flip, smallest_p
from mores.stats.sign_test import sign_test
from mores.stats.size_slope import size_slope
from mores.stats.study_power import StudyPower, study_power
from mores.stats.two_shares import two_shares
from mores.stats.weighted_mean import weighted_mean
from mores.stats.wilson import wilson

__all__ = [
    "CumulativeLinkMixed",
    "RaterAdjustment",
    "Spread",
    "StudyPower",
    "adjusted_rand",
    "alternative_annotator_test",
    "auc",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bounded_mean_least",
    "bounded_mean_p",
    "clopper_pearson",
    "clopper_pearson_most",
    "cluster_bootstrap",
    "cohens_d",
    "crossed_effect",
    "cumulative_link_mixed",
    "detectable_difference",
    "equivalence",
    "holm",
    "judge_corrected_rate",
    "kept_share",
    "krippendorff_alpha",
    "non_inferiority",
    "page_trend",
    "paired_difference",
    "paired_t",
    "power",
    "prediction_powered_mean",
    "probability_of_superiority",
    "rank_sum",
    "rater_adjustment",
    "rating_spread",
    "rating_table",
    "sample_size",
    "sign_flip",
    "sign_test",
    "size_slope",
    "smallest_p",
    "stratified_t",
    "study_power",
    "toxicity_spread",
    "two_shares",
    "weighted_mean",
    "wilson",
]
