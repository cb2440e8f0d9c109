"""An asynchronous server and its client in one request, with a WebSocket."""

import aiohttp
from aiohttp import web


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


async def main(params):
    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    answers = []
    async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/") as socket:
        for number in range(params["n"]):
            await socket.send_str(f"order {number}")
            answers.append(await socket.receive_str())
    await runner.cleanup()
    return {"answers": answers}
