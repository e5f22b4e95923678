"""Names of arms in ids and folders."""

from __future__ import annotations

import pytest

from mores.study.arms import arm_keys, slug


def test_trained_arms_come_once_a_seed_and_others_once():
    keys = arm_keys(("base", "values_targeted", "prompted", "control"), (1, 3))
    assert [(k.arm, k.seed) for k in keys] == [
        ("base", 0),
        ("values_targeted", 1),
        ("values_targeted", 3),
        ("prompted", 0),
        ("control", 1),
        ("control", 3),
    ]
    assert [k.name for k in keys] == [
        "base",
        "values_targeted-s1",
        "values_targeted-s3",
        "prompted",
        "control-s1",
        "control-s3",
    ]
    assert len({k.name for k in keys}) == len(keys)


def test_arms_that_are_not_trained_run_on_base_weights():
    keys = arm_keys(("base", "few_shot", "control"), (2,))
    assert [k.weights for k in keys] == ["base", "base", "control-s2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm2-135m", "smollm2-135m"),
        ("HuggingFaceTB/SmolLM2-360M", "HuggingFaceTB-SmolLM2-360M"),
        ("/some/where/model", "model"),
        ("../up", "up"),
        ("a b\tc", "a-b-c"),
        ("..", "model"),
        ("", "model"),
        ("é", "model"),
    ],
)
def test_a_slug_is_safe_in_ids_and_folder_names(name, expected):
    assert slug(name) == expected
