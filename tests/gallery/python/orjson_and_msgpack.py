"""Fast encoders."""

import msgpack
import orjson


def main(params):
    value = {"items": [{"number": number, "price": number / 4} for number in range(params["n"] * 50)]}
    return {
        "json": orjson.loads(orjson.dumps(value)) == value,
        "msgpack": msgpack.unpackb(msgpack.packb(value)) == value,
        "bytes": len(orjson.dumps(value)),
    }
