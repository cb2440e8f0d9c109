"""Has waitress serve it."""

from __future__ import annotations

import os

import flasked
import waitress

waitress.serve(flasked.app, host="127.0.0.1", port=int(os.environ["PORT"]), threads=1)
