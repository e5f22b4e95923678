"""The worker of `mores.tune.sharded`, slower, and with a checkpoint after each step."""

from __future__ import annotations

import sys
import time
from pathlib import Path

PAUSE = 0.3


def main() -> None:
    from mores.tune import answers, here
    from mores.tune.sharded import worker

    fit, accumulate = here.fit, answers.accumulate

    def careful(*args, **kwargs):
        return fit(*args, **kwargs, checkpoint_seconds=0.0)

    def slow(*args):
        time.sleep(PAUSE)
        return accumulate(*args)

    here.fit, answers.accumulate = careful, slow
    worker.main(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
