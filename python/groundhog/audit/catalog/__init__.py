"""Every victim, with what it leaves behind and what must become of it.

The answer of each describes all that it can observe of earlier requests. Without isolation it differs from
the first one sooner or later; with it, never.
"""

from __future__ import annotations

from groundhog.audit.catalog.languages import JAVA, NODE, PYTHON
from groundhog.audit.catalog.open_files import OPEN_FILES
from groundhog.audit.catalog.policy_rows import POLICY_ROWS
from groundhog.audit.catalog.processes import C_KERNEL, C
from groundhog.audit.catalog.victim import Expected, Language, Victim

__all__ = ("NODE", "PYTHON", "VICTIMS", "Expected", "Language", "Victim")

VICTIMS = C + C_KERNEL + PYTHON + NODE + JAVA + OPEN_FILES + POLICY_ROWS
