"""What a function reads of its own process."""

import psutil


def main(params):
    process = psutil.Process()
    with process.oneshot():
        return {
            "name": process.name(),
            "memory": process.memory_info().rss > 0,
            "descriptors": process.num_fds(),
            "children": len(process.children()),
            "cores": psutil.cpu_count() > 0,
            "n": params["n"],
        }
