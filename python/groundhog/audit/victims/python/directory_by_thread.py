"""The working directory and the umask of the process, changed by a thread that ends at once."""

import os
import tempfile
import threading


def change():
    os.umask(os.umask(0) ^ 0o55)
    os.chdir(tempfile.mkdtemp(prefix="left-"))


def main(params):
    mask = os.umask(0o22)
    os.umask(mask)
    seen = {"directory": os.getcwd().split("/")[-1].startswith("left-"), "mask": mask}
    thread = threading.Thread(target=change)
    thread.start()
    thread.join()
    return seen
