// The slab that small buffers are cut from: whoever has one buffer sees what others held before.
"use strict";
module.exports = ({ secret }) => {
  const slab = Buffer.from(Buffer.allocUnsafe(1).buffer).toString("latin1");
  const found = new Set(slab.match(/Q\d{7}/g) ?? []);
  found.delete(secret);
  Buffer.from(secret + " was here");
  return { others: [...found].sort() };
};
