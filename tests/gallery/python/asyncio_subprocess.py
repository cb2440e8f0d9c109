"""A child process that is awaited."""

import asyncio


async def main(params):
    child = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate(b"line\n" * params["n"])
    return {"lines": output.decode().splitlines(), "status": child.returncode}
