#!/usr/bin/env python3
"""The same application, in a process of its own for each request."""

import sys
from pathlib import Path
from wsgiref.handlers import CGIHandler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orders import application

CGIHandler().run(application)
