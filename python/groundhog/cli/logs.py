"""Structured logs: on stderr, readable on a terminal, JSON lines elsewhere; or in a file, or nowhere."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import structlog

from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path


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
    terminal = handler is None and sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if terminal else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ]
    )
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("groundhog").setLevel(level)
