"""The working directory, left in a folder of the request, and the mask of new files' permissions."""

import os
import tempfile


def main(params):
    mask = os.umask(0o22)
    seen = {"directory": os.getcwd().split("/")[-1].startswith("left-"), "mask": mask}
    os.umask(mask ^ 0o55)
    os.chdir(tempfile.mkdtemp(prefix="left-"))
    return seen
