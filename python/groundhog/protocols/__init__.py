"""How a function process is spoken to. Sans-IO: bytes in, events out; no sockets, no event loop, no clock."""
