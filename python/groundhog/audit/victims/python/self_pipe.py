"""An event loop of the module's own, with a wake-up for it left over, and how much waits in the pair that wakes it."""

import asyncio
import fcntl
import struct
import termios

loop = asyncio.new_event_loop()


async def nothing():
    await asyncio.sleep(0)


def main(params):
    waiting = struct.unpack("i", fcntl.ioctl(loop._ssock, termios.FIONREAD, b"\0" * 4))[0]
    loop.run_until_complete(nothing())
    for _ in params["secret"]:
        loop.call_soon_threadsafe(int)
    return {"waiting": waiting}
