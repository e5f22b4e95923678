"""A budget of tokens and money: what may still be asked, before it is asked.

budget = Budget(endpoint.most_tokens, endpoint.most_money, endpoint.prices)
budget.spend(read, drawn)          # the worst case, before sending
budget.spend(-40, -12)             # less, once it is known
"""

from __future__ import annotations

from dataclasses import dataclass

from mores.study.elsewhere import Prices

MILLION = 1_000_000


@dataclass
class Budget:
    """Tokens read and drawn so far, against the most that was allowed."""

    most_tokens: int
    """0: no limit."""
    most_money: float
    prices: Prices
    read: int = 0
    drawn: int = 0

    def money(self, read: int, drawn: int) -> float:
        """Return what so many tokens cost, in the prices' currency."""
        return (read * self.prices.read + drawn * self.prices.drawn) / MILLION

    def fits(self, read: int, drawn: int) -> bool:
        """Whether so many more stay within tokens and money."""
        read, drawn = self.read + read, self.drawn + drawn
        tokens = not self.most_tokens or read + drawn <= self.most_tokens
        return tokens and (not self.most_money or self.money(read, drawn) <= self.most_money)

    def spend(self, read: int, drawn: int) -> None:
        """Count tokens as spent."""
        self.read += read
        self.drawn += drawn

    @property
    def words(self) -> str:
        """What is spent of what, for people."""
        parts = []
        if self.most_tokens:
            parts.append(f"{self.read + self.drawn:,} of {self.most_tokens:,} tokens")
        if self.most_money:
            spent = self.money(self.read, self.drawn)
            parts.append(f"{spent:.4f} of {self.most_money:g} {self.prices.currency}")
        return " and ".join(parts)
