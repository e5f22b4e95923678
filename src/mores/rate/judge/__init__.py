"""Position adherence as language models see it: blind, in two orders, every raw answer kept."""

from mores.rate.judge.run import judge, judge_step
from mores.step import callable_room

__all__ = ["judge", "judge_step"]

callable_room(__name__)
