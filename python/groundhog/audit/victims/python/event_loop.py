"""An event loop kept between requests: tasks that wait, calls that are due later, what a queue holds."""

import asyncio

loop = asyncio.new_event_loop()
queue = asyncio.Queue()
ran = []


async def work(secret):
    task = asyncio.create_task(queue.get())
    seen = {"tasks": len(asyncio.all_tasks()) - 2, "queue": queue.qsize(), "ran": len(ran)}
    queue.put_nowait(secret)
    queue.put_nowait(secret)
    loop.call_later(0.0001, ran.append, secret)
    loop.call_soon_threadsafe(ran.append, secret)
    await asyncio.sleep(0.001)
    asyncio.create_task(asyncio.sleep(1000, secret))
    await task
    return seen


def main(params):
    return loop.run_until_complete(work(params["secret"]))
