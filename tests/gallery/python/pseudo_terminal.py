"""A program in a terminal of its own."""

import os
import pty


def main(params):
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("sh", ["sh", "-c", f"test -t 1 && stty size && seq {params['n']}"])
    output = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the child has closed its end
            break
        if not part:
            break
        output += part
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return {"words": output.decode().split(), "status": status}
