"""``python -m groundhog.cli`` is ``groundhog``."""

import sys

from groundhog.cli import main

sys.exit(main())
