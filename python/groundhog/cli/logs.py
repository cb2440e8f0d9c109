"""Structured logs: on stderr, readable on a terminal, JSON lines elsewhere; or in a file, or nowhere."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import sys
from typing import TYPE_CHECKING

import structlog

from groundhog.errors import ConfigError
from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from concurrent.futures import Future
    from io import TextIOWrapper
    from pathlib import Path

STDERR = 2
_LAST_EVENTS_S = 1.0
"""How long the last events may wait for their reader when the program ends."""


class _Printed(logging.Handler):
    """Prints on stderr. When nobody reads it, events are lost, and the next one that is read says so."""

    def __init__(self) -> None:
        super().__init__()
        self._printer = Printer(STDERR)
        self._last: Future[OSError | None] | None = None
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print an event."""
        try:
            text = self.format(record) + "\n"
        except Exception as error:  # noqa: BLE001  (a library's event must not fail what it tells of)
            what = f"an event of {record.name} has no text: {type(error).__name__}"
            text = f'{{"event": "{what}", "level": "error"}}\n'
        if self._lost:
            text = (
                f'{{"event": "{self._lost} events were lost: nobody read them", "level": "warning"}}\n{text}'
            )
        put = self._printer.put(text.encode("utf-8", "backslashreplace"))
        if put is None:
            self._lost += 1
        else:
            self._lost, self._last = 0, put

    def flush(self) -> None:
        """Wait until all is printed, but not for long; called when the program ends, too."""
        if self._last is not None:
            self._printer.prepare()  # there may have been no thread to be had
            concurrent.futures.wait([self._last], _LAST_EVENTS_S)


class _File(logging.FileHandler):
    """Appends to a file, which nobody else can read if it is new: it may quote what requests were answered.

    When its disk is full, events are lost: stderr is not ours to complain on.
    """

    def _open(self) -> TextIOWrapper:
        def private(name: str, flags: int) -> int:
            return os.open(name, flags, mode=0o600)

        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the library's name)
        """Go on."""


def file(path: Path | None) -> logging.Handler:
    """Return what appends to a file, or, without a path, what drops everything.

    Raises:
        ConfigError: the file cannot be opened; it says which, and why.
    """
    if path is None:
        return logging.NullHandler()
    try:
        return _File(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(
            f"the log file {path} cannot be opened: {error.strerror}; choose another with --log-file"
        ) from None


def configure(level: int = logging.INFO, handler: logging.Handler | None = None) -> None:
    """Send the package's logs, and those of the libraries, to stderr.

    Args:
        level: what is less than this is not logged.
        handler: where they go instead, as JSON lines.
    """
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    terminal = handler is None and sys.stderr is not None and sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            stamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ]
    )
    # What functions print may hold sequences that a terminal obeys.
    render = (
        [structlog.dev.ConsoleRenderer(repr_native_str=True)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = handler or _Printed()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, stamp],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("groundhog").setLevel(level)
    # Its warnings are of what callers send, who could fill the log with them.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
