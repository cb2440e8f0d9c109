"""A FastAPI application that is asked in memory, with a handler in a thread."""

import fastapi
import httpx

application = fastapi.FastAPI()
visits = []


@application.get("/async/{number}")
async def in_the_loop(number: int):
    visits.append(number)
    return {"visits": visits}


@application.get("/thread/{number}")
def in_a_thread(number: int):
    visits.append(-number)
    return {"visits": visits}


async def main(params):
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        for number in range(params["n"]):
            await client.get(f"/async/{number}")
            answer = await client.get(f"/thread/{number}")
        wrong = await client.get("/async/gear")
    return {**answer.json(), "wrong": wrong.status_code}
