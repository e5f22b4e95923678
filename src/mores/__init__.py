"""Adapt a language model to the values its operator chooses, and see whether it worked.

    import mores
    study = mores.load_study("my-study", preset="quick")
    mores.run(study)

The steps, in the order of the process; each is also a command. A room with one step is called by
its own name: `mores.tune(study)` is the function `tune` of the room `mores.tune`.

    study.init, load_study          start a study, open one
    curate.import_dataset, curate.check_study
                                    bring data in, look before you run
    plan                            what a study will do, how long it takes, what it can show
    run                             everything below, resumable
    tune                            adapt the base model on the values and the control set
    sample, sample.sample_stems     put the prompts to every arm
    measure.toxicity, .cooccurrence, .capability, .gates
    rate.serve_ratings, .rating_status, .export_ratings, .unblind_ratings, .import_ratings,
    rate.verify_ratings, .backup_ratings, .restore_ratings, .release_rater, .forget_rater
                                    let people rate the outputs, blind
    report                          tables, figures, verdicts
    trace                           from an answer back to what tuning changed, and which samples
    revise, revise.diff             what to write next; two versions side by side
    weights.list_models, .list_assets, plan.examine
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mores import curate, measure, rate, study, weights
    from mores.errors import MoresError
    from mores.plan import plan
    from mores.report import report
    from mores.revise import revise
    from mores.run import run
    from mores.sample import sample
    from mores.study import Study, load_study
    from mores.trace import trace
    from mores.tune import tune

__version__ = "0.1.0"

__all__ = [
    "MoresError",
    "Study",
    "__version__",
    "curate",
    "load_study",
    "measure",
    "plan",
    "rate",
    "report",
    "revise",
    "run",
    "sample",
    "study",
    "trace",
    "tune",
    "weights",
]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that importing stays cheap."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'mores' has no attribute {name!r}")
    if name in ("Study", "load_study"):
        return getattr(import_module("mores.study"), name)
    if name == "MoresError":
        return import_module("mores.errors").MoresError
    return import_module(f"mores.{name}")
