"""An arm that somebody has tuned already: a service answers for it, or its answers are imported."""

from __future__ import annotations

from mores import store
from mores.errors import TuneError
from mores.step import Made
from mores.tune.tuner import LOG, SERVED, Served, TuneJob


def take(job: TuneJob) -> Made:
    """Write down what the service calls the arm; by its own name where nothing can be asked.

    Raises:
        TuneError: the study does not say.
    """
    name, endpoint = job.key.name, job.spec.endpoint
    served = endpoint.served if endpoint is not None else {}
    model = name if job.spec.imported else served.get(name) or served.get(job.key.arm)
    if not model:
        raise TuneError(
            f"nobody tunes {name} here, and the study does not say what its service calls it",
            where=f"model {job.spec.name!r}",
            fix=f'add {name} = "..." to [models.endpoint.served], or choose a tuner',
        )
    store.write_json(job.folder / SERVED, Served(model=model))
    store.write_jsonl(job.folder / LOG, [])
    said = "its answers are imported" if job.spec.imported else f"answers as {model}"
    job.progress.say(f"{name}: tuned elsewhere, {said}; its samples are not known here")
    return Made([SERVED, LOG], facts={"parameters": 0, "tokens": 0, "tuned_elsewhere": True})
