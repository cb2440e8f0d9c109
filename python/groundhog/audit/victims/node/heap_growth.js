// Objects that stay: many small ones, large buffers outside the heap, strings in old space.
"use strict";
const kept = [];
module.exports = ({ secret }) => {
  const seen = { kept: kept.length };
  kept.push(Buffer.alloc(4 << 20, secret));
  kept.push(Array.from({ length: 20000 }, (_, i) => ({ secret: secret + i })));
  if (kept.length > 40) kept.length = 0;
  return seen;
};
