"""A pipeline of the shell, with files between its programs."""

import subprocess

SCRIPT = """
cd "$(mktemp -d)"
seq "$1" | sort -r > numbers
wc -l < numbers
head -1 numbers | tee first | tr 0-9 a-j
ls | wc -l
"""


def main(params):
    done = subprocess.run(
        ["sh", "-euc", SCRIPT, "sh", str(params["n"])], capture_output=True, text=True, check=True
    )
    return {"words": done.stdout.split()}
