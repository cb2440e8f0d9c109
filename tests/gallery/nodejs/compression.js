// Compression by the threads of libuv.
const { promisify } = require("node:util");
const zlib = require("node:zlib");

exports.main = async ({ n }) => {
  const text = Buffer.from("the quick brown fox ".repeat(n * 500));
  const sizes = {};
  for (const way of ["deflate", "gzip", "brotliCompress"]) {
    sizes[way] = (await Promise.all([1, 2].map(() => promisify(zlib[way])(text)))).map((packed) => packed.length);
  }
  return { ...sizes, right: zlib.inflateSync(zlib.deflateSync(text)).equals(text) };
};
