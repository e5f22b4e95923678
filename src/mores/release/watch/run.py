"""An arm in use against what the study saw of it: a log, or an endpoint; look after look.

    watch(study, Path("log.jsonl")).look.out

What is kept, in runs/<preset>/watch/: for each look its scores, counts and what it spent of the
chance of a false alarm. No text of the traffic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from mores import store
from mores.errors import DataError
from mores.progress import Progress
from mores.records import Completion
from mores.release.arm import chosen
from mores.release.watch.compare import compare, spends
from mores.release.watch.endpoint import PLACE, ask
from mores.release.watch.model import Look, Watched
from mores.release.watch.scores import Scores, Values
from mores.release.watch.traffic import ALIASES, Answer, Seen, known_questions, sample_log
from mores.sample.run import iter_completions, sample_step
from mores.step import Journal
from mores.study import ArmKey, ModelSpec, Study, slug
from mores.tables import name_map

MOST = 10_000
"""Answers of a sample at most."""
OTHER = (
    "Out of range means other than in the study, not harmful. In range means that nothing was "
    "shown to differ, not that nothing does: small changes cannot be seen (docs/watch.md)."
)
INDEPENDENT = (
    "The rate of false alarms holds where answers of the log are independent of each "
    "other: name conversations or people with --map group=NAME, and one answer of each is taken."
)


def watch(
    study: Study,
    log: Path | None = None,
    *,
    endpoint: str | None = None,
    served: str = "",
    api: Literal["auto", "chat", "completions"] = "chat",
    key_env: str = "",
    arm: Literal[
        "base", "values_targeted", "control", "preference", "prompted", "few_shot"
    ] = "values_targeted",
    model: str | None = None,
    seed: int = 0,
    answers: int = 200,
    map_: tuple[str, ...] = (),
    alpha: float = 0.05,
    services: bool = False,
    restart: bool = False,
    progress: Progress | None = None,
) -> Watched:
    """See whether an arm in use still answers as the study saw it answer.

    A sample of a log, or fresh answers of an endpoint to the study's own prompts, is measured as
    the study's answers are: toxicity, refusals, length, broken or repetitive text, language. Over
    all measures and all looks of a watch, the chance of any false alarm is at most --alpha.

    Args:
        study: with the arm's answers.
        log: JSON Lines or CSV, an answer a line, of any size; with its question and the
            conversation that it belongs to (group), if they are known.
        endpoint: instead, address of an OpenAI-compatible service, up to and with /v1.
        served: with --endpoint: what the service calls the arm; by default its own name.
        api: with --endpoint: chat sends messages, as users do; completions sends the very tokens
            of the study.
        key_env: with --endpoint: environment variable that holds its key.
        arm: the arm in use.
        model: of which base model; by default the study's first.
        seed: its training seed; 0: the study's first.
        answers: how many answers of the log are drawn.
        map_: what a column of the log is, where it has another name, such as answer=output (may be
            repeated).
        alpha: chance of any false alarm over the whole watch.
        services: let scorers that ask a service have the traffic's texts.
        restart: begin a new watch; the looks so far are kept beside it.
        progress: where to show how far it is.

    Raises:
        StudyError: no such model, arm or seed.
        DataError: a log that cannot be read, nothing sampled yet, or a watch that was begun with
            other answers of the study or another alpha.
        ServiceError: the endpoint does not answer.
    """
    progress = progress or Progress(quiet=True)
    names = name_map(map_)
    _check(log, endpoint, names, answers, alpha)
    spec, key = chosen(study, model, arm, seed)
    folder = study.run_folder / PLACE
    busy = "another look is under way"
    with store.held(folder / ".lock", busy, fix="wait for it, then look again"):
        scores = Scores(study, services=services, say=progress.say)
        seen = _Study(study, spec, key, scores, _reference(study, spec, key))
        name = f"{slug(spec.name)}.{key.name}.jsonl"
        book = _book(folder / name, seen.digest, alpha, restart)
        earlier = list(book.records(Look))
        digest = store.digest_file(log) if log is not None and log.is_file() else ""
        look = next((e for e in earlier if digest and e.log == digest), None)
        repeated = look is not None
        if look is None:
            number = len(earlier) + 1
            if log is not None:
                drawn = sample_log(log, answers, seed=f"{study.config.seed}/{number}", names=names)
            else:
                drawn = seen.asked(str(endpoint), served, api, key_env, number, progress)
            look = seen.look(drawn, number, digest, alpha)
            book.append(look)
            earlier.append(look)
    why = sample_step(study, spec).stale()
    return Watched(
        study=study.config.name,
        model=spec.name,
        arm=key.name,
        look=look,
        alarms=tuple(e.number for e in earlier if e.out),
        repeated=repeated,
        left_out=scores.left_out,
        limits=tuple(_limits(look, f"The study's answers are not current: {why}." if why else "")),
    )


def _check(
    log: Path | None, endpoint: str | None, names: dict[str, str], answers: int, alpha: float
) -> None:
    wrong = fix = ""
    if (log is None) == (endpoint is None):
        wrong = "expected a log or --endpoint, found " + ("neither" if log is None else "both")
        fix = "mores watch STUDY LOG, or mores watch STUDY --endpoint URL"
    elif not 0 < alpha <= 0.5:
        wrong, fix = f"--alpha {alpha}: expected a chance above 0, at most .5", "such as .05"
    elif not 1 <= answers <= MOST:
        wrong, fix = f"--answers {answers}: expected 1 to {MOST}", "such as 200"
    elif unknown := set(names) - set(ALIASES):
        wrong = f"--map {sorted(unknown)[0]}: a log has answer, question and group"
        fix = "such as --map answer=output"
    if wrong:
        raise DataError(wrong, fix=fix)


def _reference(study: Study, spec: ModelSpec, key: ArmKey) -> dict[str, Completion]:
    """The study's answers: of each prompt the first draw, so that no two share a question."""
    found: dict[str, Completion] = {}
    for one in iter_completions(study, spec.name):
        if (one.arm, one.seed) == (key.arm, key.seed) and not one.absent:
            found.setdefault(one.prompt_id, one)
    if not found:
        raise DataError(
            f"the study has no answers of {key.name}",
            path=study.run_folder,
            fix=f"run `mores sample {study.folder}` first",
        )
    return found


def _book(path: Path, reference: str, alpha: float, restart: bool) -> Journal:
    """The looks so far, if they belong to this watch.

    Raises:
        DataError: they were compared with something else, or promised another alpha.
    """
    book = Journal(path)
    if restart and book.lines:
        with store.disk_errors(path):
            kept = len(list(path.parent.glob(f"{path.stem}.before-*.jsonl"))) + 1
            path.rename(path.with_name(f"{path.stem}.before-{kept}.jsonl"))
        return Journal(path)
    for look in book.records(Look):
        if look.reference != reference or look.alpha != alpha:
            what = "the study's answers or scorers were others"
            if look.alpha != alpha:
                what = f"alpha was {look.alpha:g}, not {alpha:g}"
            raise DataError(
                f"this watch was begun otherwise: {what} at look {look.number}",
                path=path,
                fix="--restart begins a new one, with a chance of a false alarm of its own",
            )
    return book


@dataclass(frozen=True)
class _Study:
    """The arm as the study saw it: what traffic is compared with."""

    study: Study
    spec: ModelSpec
    key: ArmKey
    scores: Scores
    reference: dict[str, Completion]
    """Prompt → the study's answer."""

    @cached_property
    def digest(self) -> str:
        """Of the answers and of what measures them."""
        answers = [(c.id, c.text) for c in self.reference.values()]
        return store.digest([self.scores.digest, answers])

    def asked(
        self,
        url: str,
        served: str,
        api: Literal["auto", "chat", "completions"],
        key_env: str,
        look: int,
        progress: Progress,
    ) -> Seen:
        """Fresh answers to the prompts that the study has answers to, in their order."""
        prompts = {p.id: p for p in self.study.prompts}
        # A service takes no beginning of an answer: such prompts would differ without a change.
        wanted = tuple(
            prompts[name]
            for name in self.reference
            if name in prompts and not prompts[name].prefill
        )
        told = ask(self.study, self.spec, self.key, url, prompts=wanted, api=api,
                   served=served or self.key.name, key_env=key_env, look=look,
                   progress=progress)  # fmt: skip
        answers = tuple(Answer(told[p.id], p.asked) for p in wanted if p.id in told)
        return Seen(answers, len(wanted), len(wanted) - len(answers), len(answers),
                    prompts=tuple(p.id for p in wanted if p.id in told))  # fmt: skip

    def look(self, drawn: Seen, number: int, digest: str, alpha: float) -> Look:
        """Measure both sides, compare them."""
        asked = {p.id: p.text for p in self.study.prompts}
        questions = any(a.question is not None for a in drawn.answers)
        paired = bool(drawn.prompts)
        names = drawn.prompts if paired else tuple(self.reference)
        own = [self.reference[name] for name in names]
        # Where the log has no questions, the study's are left out as well: both are judged alike.
        mine = [Answer(c.text, asked.get(c.prompt_id) if questions else None) for c in own]
        study_values: dict[str, Values] = self.scores.of(mine)
        spent = spends(alpha, number)
        measures = compare(
            self.scores.kinds,
            study_values,
            self.scores.of(drawn.answers),
            spends=spent,
            paired=paired,
        )
        return Look(
            number=number,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            source="endpoint" if paired else "log",
            log=digest,
            rows=drawn.rows,
            without=drawn.without,
            sampled=drawn.sampled,
            compared=len(drawn.answers),
            known=known_questions(drawn.answers, asked.values()),
            alpha=alpha,
            spends=spent,
            reference=self.digest,
            measures=measures,
            out=any(m.out for m in measures),
        )


def _limits(look: Look, stale: str) -> list[str]:
    """What the look does not show."""
    found = [stale] if stale else []
    if look.source == "log":
        known = "none is known" if look.known is None else f"{look.known} of {look.compared} are"
        found.append(
            f"The log's questions are not the study's ({known}): other questions alone can bring "
            "other answers. --endpoint asks the study's own."
        )
    found.append(OTHER)
    return [*found, INDEPENDENT] if look.source == "log" else found
