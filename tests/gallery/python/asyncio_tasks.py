"""Tasks, a queue and a thread in an event loop that is kept from the load time."""

import asyncio

loop = asyncio.new_event_loop()
finished = []


async def work(n):
    queue = asyncio.Queue()

    async def produce():
        for number in range(n):
            await asyncio.sleep(0.001)
            await queue.put(number)

    producer = asyncio.create_task(produce())
    numbers = [await asyncio.wait_for(queue.get(), 10) for _ in range(n)]
    await producer
    finished.append(await asyncio.to_thread(sum, numbers))
    return finished


def main(params):
    return {"finished": loop.run_until_complete(work(params["n"]))}
