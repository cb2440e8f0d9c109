"""ActionLoop for the Python victims: one handler, one line in, one line out, nothing else that could hide a leak."""

import importlib.util
import json
import os
import sys

spec = importlib.util.spec_from_file_location("handler", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
answers = os.fdopen(3, "wb", buffering=0, closefd=False)
after = getattr(module, "after", None)  # what the victim does once its answer is out
answers.write(b'{"ok":true}\n')
while True:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 20)
        if not piece:
            sys.exit(0)
        line += piece
    answer = module.main(json.loads(line)["value"])
    sys.stdout.flush()
    answers.write(json.dumps(answer).encode() + b"\n")
    if after is not None:
        after()
