"""Logs: what goes wrong with an event is told, and fails nobody."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING

import pytest

from groundhog._log import log
from groundhog.cli import logs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end of a pipe from which stderr is read."""
    read, write = os.pipe()
    monkeypatch.setattr(logs, "STDERR", write)
    yield read
    os.close(read)
    os.close(write)


def test_an_event_of_a_library_without_text_is_named(printed: int) -> None:
    handler = logs._Printed()
    record = logging.LogRecord("some.library", logging.WARNING, __file__, 1, "%d", ("many",), None)
    handler.handle(record)
    event = json.loads(os.read(printed, 1000))
    assert event == {"event": "an event of some.library has no text: TypeError", "level": "error"}


def test_events_of_libraries_are_lines_of_json_too(printed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logs.configure()
    try:
        int("none")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it %s", "failed")
    event = json.loads(os.read(printed, 10_000))
    assert (event["event"], event["level"]) == ("it failed", "error")
    assert event["exception"].endswith("'none'")


def test_callers_cannot_fill_the_log_with_what_is_no_request(caplog: pytest.LogCaptureFixture) -> None:
    logs.configure()
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert not caplog.text


def test_a_terminal_does_not_obey_what_functions_print(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.configure()
    log.warning("request", stdout="\x1b]0;title\x07", error="line\n\x1b[2J")
    assert "\\x1b]0;title\\x07" in caplog.text
    assert "\x1b]0" not in caplog.text
    assert "\x1b[2J" not in caplog.text
