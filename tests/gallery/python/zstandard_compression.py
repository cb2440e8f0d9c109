"""Zstandard with a compressor of the load time and several threads."""

import zstandard

compressor = zstandard.ZstdCompressor(threads=2)


def main(params):
    text = b"the quick brown fox " * params["n"] * 2000
    packed = compressor.compress(text)
    return {"right": zstandard.ZstdDecompressor().decompress(packed) == text, "small": len(packed) < 1000}
