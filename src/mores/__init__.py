"""Adapt a language model to the values its operator chooses, and prove whether it worked.

The public names, in the order of the process; each is also a command:

    init_study, import_dataset      start a study, bring data in
    check_study, plan_study         look before you run
    run_study                       everything below, resumable
    tune_study                      adapt the base model on the values and the control set
    sample_study                    put the prompts to every arm
    measure_toxicity, measure_cooccurrence, measure_capability, measure_gates
    serve_ratings, rating_status    let people rate the outputs, blind
    export_ratings, unblind_ratings, verify_ratings, backup_ratings, restore_ratings
    release_rater, forget_rater, import_ratings
    report_study                    tables, figures, verdicts
    revise_study, diff_studies      what to write next; two versions side by side
    list_models, list_assets, examine_machine
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mores.api import (
        backup_ratings,
        check_study,
        diff_studies,
        examine_machine,
        export_ratings,
        forget_rater,
        import_dataset,
        import_ratings,
        init_study,
        list_assets,
        list_models,
        measure_capability,
        measure_cooccurrence,
        measure_gates,
        measure_toxicity,
        plan_study,
        rating_status,
        release_rater,
        report_study,
        restore_ratings,
        revise_study,
        run_study,
        sample_study,
        serve_ratings,
        tune_study,
        unblind_ratings,
        verify_ratings,
    )
    from mores.errors import MoresError
    from mores.study import Study, load_study

__version__ = "0.1.0"

__all__ = [
    "MoresError",
    "Study",
    "__version__",
    "backup_ratings",
    "check_study",
    "diff_studies",
    "examine_machine",
    "export_ratings",
    "forget_rater",
    "import_dataset",
    "import_ratings",
    "init_study",
    "list_assets",
    "list_models",
    "load_study",
    "measure_capability",
    "measure_cooccurrence",
    "measure_gates",
    "measure_toxicity",
    "plan_study",
    "rating_status",
    "release_rater",
    "report_study",
    "restore_ratings",
    "revise_study",
    "run_study",
    "sample_study",
    "serve_ratings",
    "tune_study",
    "unblind_ratings",
    "verify_ratings",
]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that importing stays cheap."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'mores' has no attribute {name!r}")
    home = {"MoresError": "errors", "Study": "study", "load_study": "study"}.get(name, "api")
    return getattr(import_module(f"mores.{home}"), name)
