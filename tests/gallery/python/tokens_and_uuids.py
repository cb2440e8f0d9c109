"""Identifiers for customers."""

import os
import secrets
import tempfile
import uuid


def main(params):
    return {
        "random": uuid.uuid4().hex,
        "time": uuid.uuid1().hex,
        "token": secrets.token_urlsafe(16),
        "bytes": os.urandom(8).hex(),
        "name": tempfile.mktemp(),
        "n": params["n"],
    }
