"""A program that is run to its end."""

import subprocess


def main(params):
    done = subprocess.run(["seq", str(params["n"])], capture_output=True, text=True, check=True)
    return {"numbers": done.stdout.split()}
