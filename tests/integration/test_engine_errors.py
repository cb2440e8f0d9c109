"""Errors of the engine, as the package tells them."""

from __future__ import annotations

import pytest

from groundhog import SpawnError, Tracee

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]


def test_a_name_of_any_length_has_its_middle_cut_out() -> None:
    with pytest.raises(SpawnError) as caught:
        Tracee.spawn(["ä" * 100_000], fds={}, trusted=True)
    message = str(caught.value)
    assert message.startswith("cannot start ää")
    assert message.endswith("ää: looking it up: No such file or directory (os error 2)")
    assert len(message) < 5000
