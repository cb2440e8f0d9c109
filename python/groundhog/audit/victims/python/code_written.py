"""Machine code written into a page of memory and called, and a constant of the interpreter overwritten in place."""

import ctypes
import mmap

constant = b"constant bytes of the program"
HEADER = bytes.__basicsize__ - 1
pages = []


def compiled(number):
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    page.write(b"\xb8" + number.to_bytes(4, "little") + b"\xc3")  # mov eax, number; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return page, ctypes.CFUNCTYPE(ctypes.c_int)(address)


def main(params):
    secret = params["secret"].encode()
    seen = {"pages": len(pages), "constant": constant.decode(), "said": pages[-1][1]() if pages else None}
    pages.append(compiled(int(secret[1:]) + 1))
    pages[-1][1]()
    ctypes.memmove(id(constant) + HEADER, secret, len(secret))
    return seen
