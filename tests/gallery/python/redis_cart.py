"""A client of Redis of the load time, with a pipeline."""

import os

import redis

client = redis.Redis.from_url(os.environ["REDIS"], decode_responses=True)
client.ping()


def main(params):
    with client.pipeline() as pipeline:
        pipeline.delete("python cart")
        for number in range(params["n"]):
            pipeline.hset("python cart", f"item {number}", number)
        pipeline.hgetall("python cart")
        pipeline.delete("python cart")
        return {"cart": pipeline.execute()[-2]}
