"""Fixtures: a service on this machine, and a clock that jumps."""

from fake_service import answer, clock, service

__all__ = ["answer", "clock", "service"]
