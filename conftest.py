"""Plugins of the whole test run: pytest accepts them only from the topmost conftest."""

from __future__ import annotations

pytest_plugins = ("pytester", "tests.framework.alone", "tests.framework.skips")
