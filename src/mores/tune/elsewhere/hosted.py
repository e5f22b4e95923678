"""One arm tuned by a host: upload, create, wait, fetch. A kill anywhere loses and repeats nothing.

    made = tune_at(job, api, order, "openai")

Before anything is paid for, `mores.tune.elsewhere.state` notes what is about to be asked. A run
that finds such a note without an answer asks the host whether it has the file, or the job, with the
arm's tag, and takes that one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from mores import store
from mores.errors import MoresError, ServiceError, TuneError
from mores.records import to_plain
from mores.remote.reply import Clock, Reply
from mores.step import Made
from mores.study.elsewhere import Host
from mores.tune.elsewhere.client import HostApi, Remote
from mores.tune.elsewhere.order import Order, announce, check_price
from mores.tune.elsewhere.sending import hand_over
from mores.tune.elsewhere.state import (
    FAILED,
    STATE,
    JobState,
    clear,
    read_state,
    set_aside,
    tag_of,
    write_state,
)
from mores.tune.tuner import LOG, SERVED, Served, TuneJob

SILENCES = 30
"""Looks at a job that may go unanswered in a row before the run gives up on them."""
DATED = re.compile(r"-\d{4}(-\d{2}-\d{2})?")
"""What a host may add to a model's name: the date of its snapshot."""
ON_PURPOSE = "remove {path} to pay for a new job, after a look at the host"


def tune_at(job: TuneJob, api: HostApi, order: Order, host: Host, clock: Clock) -> Made:
    """Have one arm tuned, or go on with what was begun.

    Args:
        job: the arm.
        api: the host's contract.
        order: what is to be sent.
        host: gives budget, prices and patience.
        clock: what is waited by.

    Raises:
        TuneError: above budget, the job failed or was cancelled, the host has lost it, or has
            tuned something else.
        ServiceError: the host refuses the key, or does not answer.
    """
    return _Arm(job, api, order, host, clock).tune()


@dataclass
class _Arm:
    """One arm on its way through a host."""

    job: TuneJob
    api: HostApi
    order: Order
    host: Host
    clock: Clock

    def __post_init__(self) -> None:
        self.url = self.api.service.url
        self.tag = tag_of(self.job, self.url, self.order.data, self.order.settings)
        self.name = self.job.key.name
        self.say = self.job.progress.say

    def tune(self) -> Made:
        clear(self.job.folder)
        state = read_state(self.job.folder, self.tag, self.url, self.say)
        self.state = state = state or JobState(tag=self.tag, host=self.url)
        announce(self.say, self.name, self.order.not_honoured)
        if not state.job:
            check_price(self.job, self.host, self.order)
        if state.step == "uploading":
            self._refuse_if_closed()
        try:
            state = self._created(self._uploaded(state))
            return self._made(self._finished(state))
        except (KeyboardInterrupt, ServiceError):
            if self.state.step == "created":
                self.say(
                    f"tune {self.name}: job {self.state.job} goes on at {self.url}; run the same "
                    "command again to wait for it, or cancel it (mores.tune.elsewhere.cancel)"
                )
            raise

    def _refuse_if_closed(self) -> None:
        if self.order.closed:
            raise TuneError(
                f"{self.order.closed}; nothing was submitted",
                where=f"model {self.job.spec.name!r}",
                fix="tune with another host (profile nebius or crusoe; tuner together, tinker), or "
                "here",
            )

    def _write(self, state: JobState, **changes: Any) -> JobState:
        self.state = write_state(self.job.folder, replace(state, **changes))
        return self.state

    # Upload ----------------------------------------------------------------------------------

    def _uploaded(self, state: JobState) -> JobState:
        if state.file or state.job:
            return state
        state = self._write(state, step="uploading")
        name, data = f"{self.tag}.jsonl", self.order.data

        def there() -> str:
            return self.api.find_file(name, len(data))

        file = there() or hand_over(
            "the training file",
            lambda: self.api.send_file(name, data),
            there,
            where=self.url,
            clock=self.clock,
        )
        self.say(
            f"tune {self.name}: {self.order.samples} samples, {len(data):,} bytes, lie at "
            f"{self.url} as {file}"
        )
        return self._write(state, step="uploaded", file=file)

    # Create ----------------------------------------------------------------------------------

    def _created(self, state: JobState) -> JobState:
        if state.job:
            return state
        found = self._found(state)
        if not found and state.step == "creating":
            # The request may have been on its way when the run was killed.
            self.clock.sleep(self.host.poll_seconds)
            found = self._found(state)
        if found:
            self.say(f"tune {self.name}: {self.url} has job {found} for these samples; it is taken")
            return self._write(state, step="created", job=found)
        self._refuse_if_closed()
        if state.step != "creating":
            dead = tuple(r.id for r in self._ours(state) if r.stage in ("failed", "cancelled"))
            state = self._write(state, step="creating", passed_over=dead)
        asked = state

        def send() -> Reply:
            return self.api.create(self.order.settings, asked.file, self.tag)

        job_id = hand_over(
            "the job",
            send,
            lambda: self._found(asked),
            where=self.url,
            clock=self.clock,
            refused=lambda: self._write(asked, step="uploaded"),  # there is none to look for
        )
        self.say(f"tune {self.name}: job {job_id} is created at {self.url}")
        return self._write(state, step="created", job=job_id)

    def _ours(self, state: JobState) -> list[Remote]:
        """The host's jobs with this tag or this training file."""
        return [
            r for r in self.api.jobs() if self.tag in r.tag or (r.file and r.file == state.file)
        ]

    def _found(self, state: JobState) -> str:
        """The id of the job that this state may have asked for; the first, if there are several."""
        usable = [r.id for r in self._ours(state) if self._may_be(r, state)]
        return usable[-1] if usable else ""

    def _may_be(self, remote: Remote, state: JobState) -> bool:
        dead = remote.stage in ("failed", "cancelled")
        return state.step == "creating" and remote.id not in state.passed_over if dead else True

    # Wait ------------------------------------------------------------------------------------

    def _finished(self, state: JobState) -> Remote:
        said, silent = "", 0
        while True:
            try:
                remote = self.api.job(state.job)
            except TuneError as error:  # no answer, as opposed to a refusal
                silent += 1
                if silent >= SILENCES:
                    raise
                if silent == 1:
                    self.say(f"tune {self.name}: {error.message}; asked again")
                self.clock.sleep(self.host.poll_seconds)
                continue
            silent = 0
            if remote is None:
                raise self._wrong(state, f"the host no longer knows job {state.job}{_was(state)}")
            if remote.word != said:
                said = remote.word
                unknown = " (a state not known here: waiting)" if remote.stage == "unknown" else ""
                self.say(f"tune {self.name}: job {remote.id} is {said!r}{unknown}")
            self._check(state, remote)
            if remote.stage == "succeeded":
                self._write(state, step="succeeded", model=remote.made)
                return remote
            if remote.stage in ("failed", "cancelled"):
                raise self._failed(state, remote)
            self.clock.sleep(self.host.poll_seconds)

    def _check(self, state: JobState, remote: Remote) -> None:
        """Compare what the host says with what it was asked, and with what it said before."""
        asked = self.order.settings["model"]
        if remote.base and not same_model(asked, remote.base):
            raise self._wrong(
                state,
                f"job {remote.id} tunes {remote.base!r}, but {asked!r} was asked for; cancel it "
                "there if it still runs",
            )
        if remote.file and state.file and remote.file != state.file:
            raise self._wrong(
                state,
                f"job {remote.id} trains on file {remote.file!r}, not on ours, {state.file!r}",
            )
        if state.step == "succeeded" and remote.stage != "succeeded":
            raise self._wrong(state, f"job {remote.id} is {remote.word!r} now{_was(state)}")
        if remote.stage == "succeeded" and not remote.made:
            raise self._wrong(state, f"job {remote.id} is {remote.word!r}, but names no model")
        if state.model and remote.made != state.model:
            raise self._wrong(
                state, f"job {remote.id} made {state.model!r} before and {remote.made!r} now"
            )

    def _wrong(self, state: JobState, what: str) -> TuneError:
        path = self.job.folder / STATE
        return TuneError(what, path=path, where=state.host, fix=ON_PURPOSE.format(path=path.name))

    def _failed(self, state: JobState, remote: Remote) -> MoresError:
        said = f"{remote.word}: {remote.said}" if remote.said else remote.word
        set_aside(self.job.folder, replace(state, said=said))
        return TuneError(
            f"job {remote.id} of {self.name} came to nothing: {said}",
            where=self.url,
            fix=f"to pay for a new one, remove {self.job.folder / FAILED} and run again",
        )

    # Fetch -----------------------------------------------------------------------------------

    def _made(self, remote: Remote) -> Made:
        folder, order = self.job.folder, self.order
        log = self.api.log(remote)
        store.write_jsonl(folder / LOG, log)
        if self.host.fetch:
            files = self.api.weights(remote, folder)
        else:
            files = [SERVED]
            store.write_json(folder / SERVED, Served(model=remote.made, job=remote.id))
        losses = [row["loss"] for row in log]
        course = f"loss {losses[0]:.3f} → {losses[-1]:.3f}" if losses else "no losses told"
        self.say(f"tune {self.name}: {remote.made}, {course}")
        return Made(
            [*files, LOG],
            facts={
                "parameters": 0,
                "tokens": order.billed if remote.tokens is None else remote.tokens,
                "tokens_by": "us" if remote.tokens is None else "host",
                "samples": order.samples,
                "host": self.url,
                "job": remote.id,
                "served": remote.made,
                "base": remote.base,
                "asked": to_plain(order.settings),
                "reported": to_plain(dict(remote.settings)),
                "not_honoured": list(order.not_honoured),
            },
        )


def same_model(asked: str, found: str) -> bool:
    """Whether a host's name of a model is the one asked for, or its snapshot of a date."""
    return found == asked or (
        found.startswith(asked) and DATED.fullmatch(found[len(asked) :]) is not None
    )


def _was(state: JobState) -> str:
    return f", which had made {state.model!r}" if state.step == "succeeded" else ""
