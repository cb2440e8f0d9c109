"""Victims in C that try rows of the policy of system calls, one a request."""

from __future__ import annotations

from groundhog.audit import refusals
from groundhog.audit.catalog.victim import REFUSED, SAFE, Victim
from groundhog.audit.inventory import (
    ADVICE,
    ATTRIBUTES,
    DESCRIPTORS_STATE,
    OBJECTS,
    PRIVILEGES,
    SOCKETS,
    UNTRACKED,
    WRITTEN,
)

POLICY_ROWS = (
    Victim("c", "options_by_rows", SOCKETS, SAFE, evasion=True, rounds=262),
    Victim("c", "terminal_by_rows", DESCRIPTORS_STATE, REFUSED, unjailed=True, evasion=True, rounds=63),
    Victim("c", "names_by_rows", WRITTEN, SAFE, evasion=True, rounds=159),
    Victim("c", "memory_by_rows", ADVICE, SAFE, evasion=True, rounds=126),
    Victim("c", "objects_by_rows", OBJECTS, SAFE, evasion=True, rounds=57),
    Victim("c", "identities_by_rows", PRIVILEGES, SAFE, unjailed=True, evasion=True, rounds=60),
    Victim("c", "descriptors_by_rows", DESCRIPTORS_STATE, SAFE, evasion=True, rounds=189),
    Victim("c", "settings_by_rows", ATTRIBUTES, SAFE, evasion=True, rounds=240),
    # What it tries is refused so that it does no harm.
    Victim(
        "c",
        "refusals",
        UNTRACKED,
        evasion=True,
        arguments=refusals.arguments(),
        isolated_answer='{"refused":"all were tried"}',
    ),
)
