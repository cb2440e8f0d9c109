"""The project's log: structured events, handed to the standard logger "groundhog"."""

from __future__ import annotations

import logging

import structlog

log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger("groundhog"), wrapper_class=structlog.stdlib.BoundLogger
)
"""A library must not print to stdout, which is what an unconfigured structlog does; so it goes through
``logging``.
"""
