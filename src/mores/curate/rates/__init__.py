"""Recall and false-alarm rates of the lint rules, measured on a seeded corpus."""

from mores.curate.rates.measure import Rates, measure_rates
from mores.curate.rates.page import page

__all__ = ["Rates", "measure_rates", "page"]
