"""Observers of pools that remember what tests ask for."""

from __future__ import annotations

from groundhog import NullObserver


class Retirements(NullObserver):
    """Why processes were replaced, but for those that a newer snapshot superseded."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_retire(self, reason: str, message: str) -> None:
        if reason != "superseded":
            self.messages.append(message)
