#!/usr/bin/env bash
# What a whole study costs on a GPU, in under 8 minutes: random weights of 1b and 8b, mores beside
# TRL + `generate` and vLLM. The table is written to $OUT (or benchmarks/results) after every step.
#
#   benchmarks/gpu.sh           1b, then 8b
#   benchmarks/gpu.sh 8b        one size
#   benchmarks/gpu.sh --tiny    the same path without a GPU, with a model of two layers: no figure
#
# Needs an environment with mores and its extra `bench` (PYTHON names its python, .venv/bin/python
# by default); vLLM's is found as `mores sample` finds it, or named in MORES_VLLM_PYTHON.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"

tiny=false
for word in "$@"; do [ "$word" = --tiny ] && tiny=true; done
if ! $tiny && ! command -v nvidia-smi >/dev/null; then
  echo "gpu.sh: there is no GPU here, so no figure; --tiny tries the path on the CPU" >&2
  exit 1
fi

# Weights in memory, where there is room for 8b in 16 bits, are written and read fastest.
work=${TMPDIR:-/tmp}
if ! $tiny && [ "$(df --output=avail -BG /dev/shm 2>/dev/null | tail -1 | tr -dc 0-9)" -gt 40 ] 2>/dev/null; then
  work=/dev/shm
fi

# The program keeps to 470 s by itself; this is for the case that it hangs.
exec timeout --kill-after=5 478 "$PYTHON" benchmarks/gpu_study.py \
  --work "$work" --out "${OUT:-benchmarks/results}" "$@"
