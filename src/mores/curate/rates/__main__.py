"""Print docs/check-rates.md: ``python -m mores.curate.rates > docs/check-rates.md``."""

import sys

from mores.curate.rates import measure_rates, page

sys.stdout.write(page(measure_rates()))
