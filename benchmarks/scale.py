"""Does a completion cost the same in a study of a hundred thousand as in one of a thousand?

    python benchmarks/scale.py                            # 1,000, 10,000 and 100,000 completions
    python benchmarks/scale.py --sizes 1000 10000         # the first two: minutes
    python benchmarks/scale.py --docs docs/scale.md       # puts the tables on that page

A study of each size is made as the steps before measuring would have left it (`scale_study.py`),
with ten scores and three ratings a completion; then each step runs in a process of its own
(`scale_steps.py`). Time is the processor's, so that another program on the machine does not count;
memory is the peak of the process. What a step costs at all (imports, weights of the scorers, the
co-occurrence of the stems, of which there are as many in every study) weighs on the small study, so
the ratio of costs is to be read with the table: below 1 is what it takes to be flat.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from against_trl import processor

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from services import PostgresServer

HERE = Path(__file__).parent
SIZES = (1_000, 10_000, 100_000)
STEPS = ("toxicity", "cooccurrence", "gates", "ratings", "report", "rate", "rate_postgresql")
BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
WHAT = {
    "toxicity": "ten scorers, side by side",
    "cooccurrence": "words of the stems",
    "gates": "gates of toxicity and sentiment",
    "ratings": "import of three ratings each",
    "report": "estimates, figures, page",
    "rate": "rating study set up, SQLite",
    "rate_postgresql": "the same, PostgreSQL (time on the clock)",
    "check": "`mores check`, as many samples and prompts",
    "stems": "as many stems × 8 texts × 5 arms",
    "pairs": "report on as many stance pairs × 5 arms",
}
OTHER_KINDS = {"check": "samples", "stems": "stems", "pairs": "pairs"}
"""Steps whose work is not counted in completions, and what `scale_study.py` makes for them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    for kind in OTHER_KINDS.values():
        parser.add_argument(f"--{kind}", type=int, nargs="*", default=list(SIZES[:2]))
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place, PostgresServer.started() as postgres:
        rows = [row for n in options.sizes for row in measured(Path(place) / str(n), n, postgres)]
        for step, kind in OTHER_KINDS.items():
            for n in getattr(options, kind):
                folder = Path(place) / f"{kind}-{n}"
                _run(["scale_study.py", str(folder), str(n), kind])
                rows.append(_step(step, folder, n))
    text = f"{machine()}\n\n{table(rows)}"
    print(text)
    if options.docs:
        put(options.docs, text)
    return 0


def measured(folder: Path, n: int, postgres: PostgresServer) -> list[dict[str, Any]]:
    """Make a study of n completions and take every step."""
    _run(["scale_study.py", str(folder), str(n)])
    os.environ["MORES_SCALE_DATABASE"] = postgres.new_database()
    return [_step(name, folder, n) for name in STEPS]


def _step(name: str, folder: Path, n: int) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(_run(["scale_steps.py", name, str(folder)])) | {"n": n}
    if name == "rate_postgresql":  # most of it is the server's work
        row["cpu"] = row["seconds"]
    print(row, file=sys.stderr)
    return row


def _run(arguments: Sequence[str]) -> str:
    program, *rest = arguments
    command = [sys.executable, str(HERE / program), *rest]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the steps by size, and how the cost of one completion changes from least to most."""
    lines = [
        (
            "| step | what | how many | seconds | µs each | peak MB | page MB |"
            " cost against the smallest |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["step"] for row in rows):
        own = sorted((row for row in rows if row["step"] == name), key=lambda row: int(row["n"]))
        for row in own:
            page = f"{row['page_mb']:.1f}" if name == "report" else ""
            lines.append(
                f"| {name} | {WHAT[name]} | {row['n']:,} | {row['cpu']:.1f} | {_cost(row):,.0f} | "
                f"{row['peak_mb']:,} | {page} | {_cost(row) / _cost(own[0]):.2f} |"
            )
    return "\n".join(lines)


def _cost(row: dict[str, Any]) -> float:
    return 1e6 * float(row["cpu"]) / int(row["n"])


def machine() -> str:
    """Return date, processor and versions."""
    today = dt.datetime.now(tz=dt.UTC).strftime("%d %b %Y")
    cores, python = os.cpu_count(), platform.python_version()
    return f"{today}, {processor()}, one core of {cores}; Python {python}."


def put(page: Path, text: str) -> None:
    """Replace what stands between the marks of a page."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
