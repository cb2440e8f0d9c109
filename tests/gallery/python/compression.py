"""Compression by each module of the standard library."""

import bz2
import gzip
import lzma
import zlib


def main(params):
    text = b"the quick brown fox " * 500 * params["n"]
    sizes = {}
    for module, compressed in (
        ("zlib", zlib.compress(text)),
        ("gzip", gzip.compress(text, mtime=0)),
        ("bz2", bz2.compress(text)),
        ("lzma", lzma.compress(text, preset=1)),
    ):
        sizes[module] = len(compressed)
    return sizes
