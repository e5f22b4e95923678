"""What each arm is asked, as token ids and as text."""

import pytest

from mores.errors import MoresError
from mores.records import Charter, Dataset, Example, Position, Prompt
from mores.sample.draws import uniforms
from mores.sample.requests import completion_id, few_shots, prompt_requests, stem_requests
from mores.study import Associations, Group, Topic
from mores.study.arms import ArmKey, arm_keys
from mores.weights.prompt import encode_prompt

KEYS = arm_keys(("base", "values_targeted", "control", "prompted", "few_shot"), (1, 2))
CHARTER = Charter(
    version="1",
    positions=(
        Position(category="care", title="Care", statement="Support all who ask for some help."),
        Position(category="beauty", title="Beauty", statement="Beauty is subjective, it differs."),
    ),
)


def example(number: int, category: str, completion: str) -> Example:
    return Example(
        id=f"v{number}", category=category, prompt=f"question {number}?", completion=completion
    )


VALUES = Dataset(
    name="values",
    examples=(
        example(1, "care", "listen " * 9),
        example(2, "beauty", "views"),
        example(3, "care", "talk"),
        example(4, "care", "time and care"),
        example(5, "care", "help"),
        example(6, "beauty", "many views"),
    ),
)
PROMPTS = (
    Prompt(id="t-1", category="care", text="who can help?", split="test"),
    Prompt(id="t-2", category="beauty", text="what is right?", split="test"),
)


def requests(tiny, form: str = "chat", keys=KEYS, prompts=PROMPTS, draws: int = 2):
    return prompt_requests(tiny, form, keys, prompts, draws, CHARTER, VALUES)


def test_the_grid_in_order_of_arms_prompts_draws(tiny) -> None:
    rows = requests(tiny)
    names = ["base", "values_targeted-s1", "values_targeted-s2", "control-s1", "control-s2"]
    assert [(r.key.name, r.prompt_id, r.draw) for r in rows] == [
        (key, prompt, draw)
        for key in [*names, "prompted", "few_shot"]
        for prompt in ("t-1", "t-2")
        for draw in (0, 1)
    ]
    assert [r.category for r in rows[:4]] == ["care", "care", "beauty", "beauty"]
    ids = [completion_id("org/model", r) for r in rows]
    assert len(set(ids)) == len(rows) == 7 * 2 * 2
    assert ids[0] == "org-model.base.t-1.d0"


def test_arms_without_a_context_get_the_same_tokens(tiny) -> None:
    rows = requests(tiny, draws=1)
    plain = encode_prompt(tiny.tokenizer, "chat", "who can help?")
    for r in rows:
        if r.prompt_id == "t-1" and r.key.arm not in ("prompted", "few_shot"):
            assert list(r.ids) == plain


def test_context_arms_run_on_the_base_weights() -> None:
    weights = {key.name: key.weights for key in KEYS}
    assert weights["prompted"] == weights["few_shot"] == weights["base"] == "base"
    assert weights["control-s2"] == "control-s2"


def text_of(tiny, form: str, arm: str, prompt: str = "t-1") -> str:
    rows = requests(tiny, form, [ArmKey(arm, 0)], draws=1)
    return tiny.tokenizer.decode(next(r.ids for r in rows if r.prompt_id == prompt))


def test_prompted_shows_the_statement_of_the_category(tiny) -> None:
    care, beauty = (p.statement for p in CHARTER.positions)
    assert text_of(tiny, "chat", "prompted") == (
        f"<|start|>system\n{care}<|end|>\n<|start|>user\nwho can help?<|end|>\n<|start|>assistant\n"
    )
    assert text_of(tiny, "qa", "prompted", "t-2") == (
        f"{beauty}\n\nQuestion: what is right?\nAnswer:"
    )


def test_few_shot_shows_the_three_shortest_of_the_category(tiny) -> None:
    # care, by length of question and answer: v3 and v5 (tied, by id), then v4; v1 is too long.
    assert few_shots(VALUES, "care") == [
        ("question 3?", "talk"),
        ("question 5?", "help"),
        ("question 4?", "time and care"),
    ]
    assert [q for q, _ in few_shots(VALUES, "beauty")] == ["question 2?", "question 6?"]
    assert text_of(tiny, "qa", "few_shot") == (
        "Question: question 3?\nAnswer: talk\n\nQuestion: question 5?\nAnswer: help\n\n"
        "Question: question 4?\nAnswer: time and care\n\nQuestion: who can help?\nAnswer:"
    )
    chat = text_of(tiny, "chat", "few_shot", "t-2")
    assert "user\nquestion 2?<|end|>\n<|start|>assistant\nviews<|end|>" in chat
    assert chat.endswith("user\nwhat is right?<|end|>\n<|start|>assistant\n")
    assert "question 3?" not in chat


def test_only_plain_text_has_a_stop_text(tiny) -> None:
    assert {r.stop for r in requests(tiny, "qa")} == {"\nQuestion:"}
    assert {r.stop for r in requests(tiny, "chat")} == {""}


def test_arms_share_their_random_numbers(tiny) -> None:
    by: dict[tuple[str, int], set[tuple[float, ...]]] = {}
    for r in requests(tiny):
        numbers = uniforms(7, tiny.name, r.prompt_id, r.draw, 5)
        by.setdefault((r.prompt_id, r.draw), set()).add(tuple(numbers))
    assert all(len(rows) == 1 for rows in by.values())
    assert len({row for rows in by.values() for row in rows}) == 4


def test_a_prompt_without_room_for_an_answer(tiny) -> None:
    tiny.model.config.max_position_embeddings = 60
    assert requests(tiny, "qa", [ArmKey("base", 0)])
    with pytest.raises(MoresError, match=r"few_shot leave no room .* reads 60") as found:
        requests(tiny, "qa", [ArmKey("base", 0), ArmKey("few_shot", 0)])
    assert "prompt 't-1'" in str(found.value)
    assert "shorten the prompt" in str(found.value)


def test_the_last_token_of_room_is_used(tiny) -> None:
    size = len(encode_prompt(tiny.tokenizer, "qa", "who can help?"))
    tiny.model.config.max_position_embeddings = size + 1
    assert len(requests(tiny, "qa", [ArmKey("base", 0)], PROMPTS[:1])) == 2
    tiny.model.config.max_position_embeddings = size
    with pytest.raises(MoresError, match="no room"):
        requests(tiny, "qa", [ArmKey("base", 0)], PROMPTS[:1])


def test_an_id_that_results_could_not_carry_is_refused_before_sampling(tiny) -> None:
    # Ids hold at most 200 characters; reading the completions back would fail after the work.
    long = Prompt(id="p" * 199, category="care", text="who can help?", split="test")
    with pytest.raises(MoresError, match="200"):
        requests(tiny, prompts=[long])


def test_stems_by_topic_group_stem_and_draw(tiny) -> None:
    groups = (
        Group(name="women", stems=("She was very", "She would be")),
        Group(name="men", stems=("He was very",)),
    )
    associations = Associations(topics=(Topic(name="gender", groups=groups),))
    rows = stem_requests(tiny, KEYS, associations, 2)
    assert {r.key.arm for r in rows} == {"base", "values_targeted", "control"}
    own = [r for r in rows if r.key.name == "control-s2"]
    assert [(r.prompt_id, r.draw) for r in own] == [
        (stem, draw)
        for stem in ("gender/women/0", "gender/women/1", "gender/men/0")
        for draw in (0, 1)
    ]
    assert tiny.tokenizer.decode(own[2].ids) == "She would be"
    assert {r.category for r in rows} == {"gender"}
    assert {r.stop for r in rows} == {""}
    assert len({completion_id("m", r) for r in rows}) == len(rows) == 5 * 3 * 2
