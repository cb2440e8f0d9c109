"""Children left behind: one that writes forged answers once ours is out, and one that has left the session."""

import os
import subprocess

LIMIT = 5
children = []
starts = []


def forge(start):
    os.read(start, 1)
    while os.getppid() != 1:
        os.write(3, b'{"forged": true}\n')
        os.sched_yield()
    os._exit(0)


def main(params):
    seen = {"children": len(children), "alive": sum(child.poll() is None for child in children)}
    if len(children) < LIMIT:
        children.append(
            subprocess.Popen(
                ["sleep", "1000"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "VICTIM_SECRET": params["secret"]},
                start_new_session=True,
            ),
        )
        waiting, start = os.pipe()
        if os.fork() == 0:
            forge(waiting)
        os.close(waiting)
        starts.append(start)
    return seen


def after():
    while starts:
        os.close(starts.pop())
