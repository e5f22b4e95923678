"""Test prompts and stance pairs asked in other ways: by rules, and by models as drafts."""

from mores.vary.prompts.run import Varied, vary

__all__ = ["Varied", "vary"]
