# make run     set up, then the example study on the bundled model: a report in minutes
# make test    set up, then the tests
# make test-long  all tests, also those marked long, with new random examples each time
# make test-ten   the tests ten times, each in another order and with another hash seed
# make check   format, lint, types, docs
# make docs    the documentation as a site (site/)
# make bench   speed against TRL, vLLM and llama.cpp, on this machine
# make bench-peers  install vLLM and llama.cpp for that, each in an environment of its own
# make bench-smoke  is it still as many times faster than plain transformers? A minute; with
#              RECORD=1 it writes this machine's ratios into benchmarks/recorded_ratios.json
# make bench-capability  our runner against the lm-evaluation-harness, same items, same model
# make soak    the rating app killed again and again under load: nothing lost, nothing twice
# make load    200 raters at once: response times, memory, exactly k ratings everywhere
# make calibration  do verdicts and intervals err as rarely as they say? (docs/calibration.md)
# make scale   a thousand to a hundred thousand completions: does a completion cost the same? (docs/scale.md)
# make rates   how often the rules of `mores check` and of the gates are right (docs/check-rates.md, docs/gates.md)
# make clean   remove what was built here (not the cache of fetched models)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Python compiles what is imported, a fraction of what is installed.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile -c constraints.txt

.PHONY: run test test-long test-ten check docs bench bench-peers bench-smoke bench-capability calibration rates soak load clean

run: .venv/.installed
	$(BIN)/mores run examples/wellbeing --preset quick

# A worker for every core; each keeps whole files, so that what a file shares is made once.
PYTEST := $(BIN)/python -m pytest -q -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test: .venv/.installed-dev
	$(PYTEST)

test-long: .venv/.installed-dev
	MORES_SOAK=1 $(PYTEST) -m '' --hypothesis-profile=explore

test-ten: .venv/.installed-dev
	set -e; for seed in 1 2 3 4 5 6 7 8 9 10; do \
	  PYTHONHASHSEED=$$seed $(PYTEST) --random-order --random-order-seed=$$seed; done

check: .venv/.installed-dev
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/python docs/generate_cli.py --check
	$(BIN)/python docs/generate_json.py --check
	$(BIN)/mkdocs build --strict --quiet

docs: .venv/.installed-dev
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_json.py
	$(BIN)/mkdocs build --strict

bench: .venv/.installed-bench
	$(BIN)/python benchmarks/against_trl.py
	$(BIN)/python benchmarks/against_engines.py

bench-peers: .venv/.installed-bench
	$(BIN)/python benchmarks/against_engines.py --install

bench-smoke: .venv/.installed-dev
	$(BIN)/python benchmarks/smoke.py $(if $(RECORD),--record)

bench-capability: .venv/.installed-dev
	$(BIN)/python benchmarks/against_harness.py

soak: .venv/.installed-dev
	MORES_SOAK=1 $(PYTEST) -m '' --hypothesis-profile=explore tests/rate/db/test_contract_machine.py
	$(BIN)/python benchmarks/rating_soak.py

load: .venv/.installed-dev
	$(BIN)/python benchmarks/rating_load.py

calibration: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/calibration.py --studies 400 --docs docs/calibration.md --readme README.md

.PHONY: scale
scale: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scale.py --docs docs/scale.md

.PHONY: rates models-table
rates: .venv/.installed-dev
	$(BIN)/python benchmarks/check_rates.py > docs/check-rates.md
	$(BIN)/python benchmarks/gate_rates.py tests/measure/gates/labelled_answers.jsonl
	$(BIN)/python benchmarks/refusal_styles.py --write

models-table: .venv/.installed-dev
	MORES_WRITE_DOCS=1 $(BIN)/python -m pytest -q -n 0 -m '' tests/test_architectures.py

clean:
	rm -rf .venv site build .mypy_cache .ruff_cache .pytest_cache examples/*/runs src/*.egg-info

# torch comes first and pinned, so that pip takes the CPU build where one is offered.
.venv/.torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mores needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch
	touch $@

.venv/.installed: .venv/.torch pyproject.toml
	$(PIP) -e .
	touch $@

.venv/.installed-dev: .venv/.torch pyproject.toml
	$(PIP) -e '.[dev]'
	touch $@ .venv/.installed

.venv/.installed-bench: .venv/.torch pyproject.toml
	$(PIP) -e '.[bench]'
	touch $@
