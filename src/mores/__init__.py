"""Adapt a language model to the values its operator chooses, and prove whether it worked."""

__version__ = "0.1.0"
