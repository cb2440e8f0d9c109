"""What the tests of archives share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def umask() -> Iterator[None]:
    """That of the process that unpacks."""
    before = os.umask(0o022)
    yield
    os.umask(before)
