"""Identifiers by a library in Rust."""

import uuid_utils


def main(params):
    return {
        "random": str(uuid_utils.uuid4()),
        "ordered": [str(uuid_utils.uuid7()) for _ in range(params["n"] % 2 + 1)],
    }
