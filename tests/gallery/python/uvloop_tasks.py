"""Tasks in a loop of libuv that is kept from the load time."""

import asyncio

import uvloop

loop = uvloop.new_event_loop()
finished = []


async def work(n):
    child = await asyncio.create_subprocess_exec("echo", str(n), stdout=asyncio.subprocess.PIPE)
    output, _ = await child.communicate()
    await asyncio.gather(*(asyncio.sleep(0.001) for _ in range(n)))
    finished.append(await asyncio.to_thread(int, output))
    return finished


def main(params):
    return {"finished": loop.run_until_complete(work(params["n"]))}
