"""A client of the load time whose answers come from an application in memory, and from no server."""

import httpx

visits = []


def answer(request):
    visits.append(request.url.path)
    return httpx.Response(200, json={"visits": visits})


client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.example")
direct = httpx.Client()


def main(params):
    for number in range(params["n"]):
        found = client.get(f"/{number}").json()
    try:
        direct.get("http://127.0.0.1:9")
    except httpx.ConnectError as error:
        return {**found, "error": type(error).__name__}
