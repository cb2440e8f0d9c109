"""How far a file opened at the start has been read, and what its reader has buffered."""

import tempfile

with tempfile.NamedTemporaryFile("w", delete=False) as made:
    made.writelines(f"line {number}\n" for number in range(1000))
lines = open(made.name)


def main(params):
    return {"line": lines.readline().strip(), "at": lines.tell()}
