// The memory of a WebAssembly module, grown and written by requests: mappings that change their protection.
"use strict";
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
module.exports = ({ secret }) => {
  const bytes = Buffer.from(memory.buffer);
  const seen = { pages: memory.buffer.byteLength >> 16, holds: bytes.toString("latin1", 0, secret.length).replaceAll("\0", "") };
  bytes.write(secret);
  memory.grow(2);
  Buffer.from(memory.buffer).fill(secret, 1 << 16);
  return seen;
};
