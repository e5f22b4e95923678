"""Whether anything but an output's text says which arm it comes from.

In two studies, together 120 prompts x 3 arms whose outputs have the same lengths in every arm, four
raters each rate what is theirs. Of each response all is kept but the text: status, headers in their
order, sizes, the characters of the ids, the place in the rater's order, the category, the time it
took. Classifiers learn the arms of one study and are tried on the other, both ways; a bootstrap of
prompts gives the interval of their AUC. It contains .5. Where the ids carry the arm, the same
procedure gives nearly 1.

Folds within one study would not do: arms are balanced exactly in each rater and category, so that
what is left out is always the opposite of what was learnt, and the AUC comes out below .5. (In 60
simulated pairs of studies, the mean AUC of the six models below was between .497 and .504.)

The classifiers run in `make test-long`; that the pages are the same to the byte, always.

The ids are drawn with a seed, so that chance gives one verdict, not another at each run; only the
time taken differs between runs.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from app import (
    ARMS,
    Clock,
    app_of,
    consent,
    form,
    join,
    make_site,
    make_study,
    next_form,
    rate_one,
)

from mores.rate import blind as blind_module
from mores.rate.blind import read_key
from mores.rate.web.call import Site

WORDS = "it depends on what people mean and many have said that one may ask others first"
Ids = Callable[[random.Random, int], str]


@dataclass
class Seen:
    """One response in which an item was shown, without the output's text."""

    study: int
    item: str
    prompt: str
    arm: str
    rater: int
    place: int
    """How many items this rater had seen before."""
    sibling: int
    """How many outputs to the same prompt this rater had seen before."""
    apart: int
    """How many items ago that was; 0 where never."""
    status: int
    headers: tuple[tuple[str, str], ...]
    size: int
    """Bytes of the body less those of the output."""
    rest: str
    """The body with the output, the prompt and what is random in every form taken out."""
    lengths: tuple[int, ...]
    """Of the form's hidden fields."""
    category: str
    seconds: float


def fair(n: int) -> str:
    """An output; over the arms of a prompt, lengths are drawn from one distribution."""
    draw = random.Random(f"output {n}")
    return " ".join(draw.choices(WORDS.split(), k=draw.randint(20, 90))) + "."


def opaque(draw: random.Random, _n: int) -> str:
    return f"{draw.getrandbits(64):016x}"


def telling(draw: random.Random, n: int) -> str:
    """Ids whose last character goes with the arm: completions come arm by arm, round and round."""
    return f"{draw.getrandbits(60):015x}{'0f3'[n % 3]}"


@contextmanager
def site_with(folder: Path, prompts: int, ids: Ids, seed: int) -> Iterator[Site]:
    """A site whose item ids are drawn with a seed."""
    study = make_study(
        folder,
        prompts=prompts,
        categories=4,
        outputs=[fair(1000 * seed + n) for n in range(3 * prompts)],
        per_item=2,
        seats=4,
        seed=seed,
        daily_cap=100_000,
        break_items=100_000,
    )
    draw, count = random.Random(f"ids {seed}"), iter(range(10**9))
    drawn = SimpleNamespace(token_hex=lambda _n: ids(draw, next(count)))
    with mock.patch.object(blind_module, "secrets", drawn):
        site = make_site(study, now=Clock())
    with closing(site.database):
        yield site


def two_studies(folder: Path, prompts: int, ids: Ids) -> list[Seen]:
    """All that was seen in two studies of so many prompts each."""
    rows: list[Seen] = []
    for number in (1, 2):
        with site_with(folder / str(number), prompts, ids, number) as site:
            rows += collect(site, number)
    return rows


def key_of(site: Site) -> dict[str, tuple[str, str]]:
    """Item -> (prompt, arm), from the sealed key."""
    assert site.study is not None
    key = read_key(site.study, site.facts.key_digest)
    return {row.item_id: (row.completion_id.split(".")[2], row.arm) for row in key}


def collect(site: Site, study: int) -> list[Seen]:
    """What four raters are sent while they rate all that is theirs."""
    key, app = key_of(site), app_of(site)
    rows: list[Seen] = []
    for number in range(4):
        me = join(site, app=app)
        consent(me)
        before: dict[str, list[int]] = defaultdict(list)
        where, place = me.submit("/next").headers["location"], 0
        while True:
            start = time.perf_counter()
            answer = me.get(where)
            took = time.perf_counter() - start
            if not form(answer.text):
                break
            row = seen(answer, study, number, place, took, key, before)
            before[row.prompt].append(place)
            rows.append(row)
            sent = {**form(answer.text), "answer": str(1 + place % 5), "seconds": "9.9"}
            where, place = me.submit("/rate", sent).headers["location"], place + 1
    return rows


def seen(
    answer: Any,
    study: int,
    rater: int,
    place: int,
    took: float,
    key: dict[str, tuple[str, str]],
    places: dict[str, list[int]],
) -> Seen:
    """Take a response apart."""
    fields = form(answer.text)
    prompt, arm = key[fields["item"]]
    before = places[prompt]
    (output,) = re.findall(r'<div class="text output"[^>]*>(.*?)</div>', answer.text, re.S)
    rest = answer.text.replace(output, "")
    for value in (fields["csrf"], fields["key"], fields["item"]):
        rest = rest.replace(value, "")
    rest = re.sub(r"What about \d+\?|/answer/\w+|\d+ of \d+ done.*|value=\"\d+\" aria", "", rest)
    headers = [(name.decode(), value.decode()) for name, value in answer.headers.raw]
    size = len(answer.content) - len(output.encode())
    (length,) = [int(value) for name, value in headers if name == "content-length"]
    assert length == len(answer.content)
    return Seen(
        study=study,
        item=fields["item"],
        prompt=f"{study} {prompt}",
        arm=arm,
        rater=rater,
        place=place,
        sibling=len(before),
        apart=place - before[-1] if before else 0,
        status=answer.status_code,
        headers=tuple((n, v) for n, v in headers if n != "content-length"),
        size=size,
        rest=rest,
        lengths=tuple(len(fields[name]) for name in sorted(fields)),
        category=re.search(r'class="topic"[^>]*>([^<]*)<', answer.text)[1],  # type: ignore[index]
        seconds=took,
    )


# The classifier ----------------------------------------------------------------------------


def features(rows: list[Seen]) -> npt.NDArray[np.float64]:
    """All that can be told of a response, as numbers."""
    rests = {rest: n for n, rest in enumerate(dict.fromkeys(row.rest for row in rows))}
    heads = {head: n for n, head in enumerate(dict.fromkeys(row.headers for row in rows))}
    topics = sorted({row.category for row in rows})
    return np.array(
        [
            [
                row.status,
                heads[row.headers],
                len(row.headers),
                rests[row.rest],
                row.size,
                row.place,
                row.place % 2,
                row.place % 3,
                row.place % 4,
                row.sibling,
                row.apart,
                np.log(row.seconds),
                *row.lengths,
                *(row.rater == n for n in range(4)),
                *(row.category == topic for topic in topics),
                *(int(c, 16) for c in row.item),
                *(row.item.count(c) for c in "0123456789abcdef"),
            ]
            for row in rows
        ],
        dtype=np.float64,
    )


def scores(kind: str, x: npt.NDArray[Any], y: npt.NDArray[Any], study: npt.NDArray[Any]) -> Any:
    """Predictions for each row by a model that learnt from the other study."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = np.zeros(len(y))
    for number in (1, 2):
        if kind == "logistic":
            model: Any = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        else:
            model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, random_state=1)
        model.fit(x[study != number], y[study != number])
        found[study == number] = model.predict_proba(x[study == number])[:, 1]
    return found


def auc(y: npt.NDArray[Any], score: npt.NDArray[Any]) -> float:
    """Share of pairs (one of the arm, one of another) that are in the right order; ties half."""
    from scipy.stats import rankdata

    ones = int(y.sum())
    ranks = rankdata(score)
    return float((ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones)))


def of_both(y: npt.NDArray[Any], score: npt.NDArray[Any], study: npt.NDArray[Any]) -> float:
    """The mean over the studies: each has its own model, whose scores have their own scale."""
    return (auc(y[study == 1], score[study == 1]) + auc(y[study == 2], score[study == 2])) / 2


def judged(rows: list[Seen], arm: str, kind: str) -> tuple[float, float, float]:
    """AUC for one arm against the rest, with its 99 % interval.

    Percentile bootstrap: whole prompts are drawn, with all their responses, within each study.
    99 % since six intervals are looked at, of which none may fail by chance.
    """
    y = np.array([int(row.arm == arm) for row in rows])
    study = np.array([row.study for row in rows])
    prompt = np.array([row.prompt for row in rows])
    score = scores(kind, features(rows), y, study)
    members = {name: np.flatnonzero(prompt == name) for name in dict.fromkeys(prompt.tolist())}
    names = [[name for name in members if name.startswith(f"{number} ")] for number in (1, 2)]
    rng = np.random.default_rng(1)
    values = []
    for _ in range(1000):
        drawn = [own[i] for own in names for i in rng.integers(len(own), size=len(own))]
        chosen = np.concatenate([members[name] for name in drawn])
        values.append(of_both(y[chosen], score[chosen], study[chosen]))
    low, high = np.quantile(values, [0.005, 0.995])
    return of_both(y, score, study), float(low), float(high)


# The tests ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    return two_studies(tmp_path_factory.mktemp("few"), 8, opaque)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    return two_studies(tmp_path_factory.mktemp("honest"), 60, opaque)


def test_every_item_was_seen(few: list[Seen]) -> None:
    assert len(few) == 16 * 3 * 2
    assert len({row.item for row in few}) == 48
    assert Counter(row.arm for row in few) == dict.fromkeys(ARMS, 32)


def test_the_lengths_of_the_outputs_do_not_differ() -> None:
    # Otherwise a size that counts the text would be a leak of the test's own making.
    numbers = [1000 * study + 3 * n for study in (1, 2) for n in range(60)]
    lengths = [[len(fair(n + arm)) for n in numbers] for arm in range(3)]
    means = [float(np.mean(part)) for part in lengths]
    error = float(np.std(lengths)) / np.sqrt(120)
    assert max(means) - min(means) < 3 * error * np.sqrt(2)


def test_the_envelope_is_one(few: list[Seen]) -> None:
    """Before any statistics: what is left of a page is the same, byte for byte."""
    assert {row.status for row in few} == {200}
    assert len({row.headers for row in few}) == 1
    assert len({row.lengths for row in few}) == 1
    for topic in {row.category for row in few}:
        pages = {(row.place == 0, row.rest) for row in few if row.category == topic}
        # The first page of a rater has no answer before it that could be changed.
        assert len(pages) <= 2
        assert len({rest for first, rest in pages if not first}) == 1


@pytest.mark.long
@pytest.mark.parametrize("kind", ["logistic", "boosting"])
@pytest.mark.parametrize("arm", ARMS)
def test_the_arm_cannot_be_told(honest: list[Seen], arm: str, kind: str) -> None:
    value, low, high = judged(honest, arm, kind)
    assert low <= 0.5 <= high, (value, low, high)
    assert high - low < 0.3  # narrow enough to say something


@pytest.mark.long
def test_a_leak_in_the_ids_is_found(tmp_path: Path) -> None:
    rows = two_studies(tmp_path, 18, telling)
    for kind in ("logistic", "boosting"):
        value, low, _ = judged(rows, "values_targeted", kind)
        assert value > 0.95
        assert low > 0.9


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [
        {"size": 1},
        {"place": 60},
        {"apart": 9},
        {"seconds": 0.05},
        {"headers": (("x-arm", "1"),)},
        {"rest": "one more space"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_leak_anywhere_else_is_found(honest: list[Seen], change: dict[str, Any]) -> None:
    """Two arms stay as they are; in one, a single thing is a little different."""
    ((name, more),) = change.items()
    rows = []
    for row in honest:
        values = dict(vars(row))
        if row.arm == "values_targeted":
            old = values[name]
            values[name] = more if isinstance(more, (str, tuple)) else old + more
        rows.append(Seen(**values))
    _, low, _ = judged(rows, "values_targeted", "boosting")
    assert low > 0.55


def test_gold_items_look_like_all_others(tmp_path: Path) -> None:
    toml = "version = '1'\n" + "\n".join(
        f"[[gold]]\nid = 'g{n}'\ncategory = 'topic-{n}'\nprompt = 'What about 7?'\n"
        f"output = 'It depends {n}.'\nlow = 4\nhigh = 5"
        for n in (1, 2)
    )
    study = make_study(tmp_path / "study", rating_toml=toml)
    site = make_site(study, now=Clock())
    with closing(site.database):
        with site.database.read() as tx:
            gold = set(tx.exec_driver_sql("SELECT id FROM item WHERE kind = 'gold'").scalars())
        me = join(site)
        consent(me)
        pages: dict[str, set[str]] = defaultdict(set)
        found = 0
        rate_one(me)
        key: Any = defaultdict(lambda: ("p", "base"))
        while shown := next_form(me):
            row = seen(me.get("/rate?saved=1"), 1, 0, 1, 1.0, key, defaultdict(list))
            pages[row.category].add(repr((row.rest, row.headers, row.lengths, len(row.item))))
            found += shown["item"] in gold
            rate_one(me)
        assert found >= 1
        assert {len(kinds) for kinds in pages.values()} == {1}
