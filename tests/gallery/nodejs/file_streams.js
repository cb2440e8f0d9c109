// Files that are written by streams, copied, and compressed.
const { createReadStream, createWriteStream, existsSync } = require("node:fs");
const fs = require("node:fs/promises");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { createGunzip, createGzip } = require("node:zlib");

exports.main = async ({ n }) => {
  const folder = join(tmpdir(), "orders");
  const existed = existsSync(folder);
  await fs.mkdir(folder, { recursive: true });
  const [plain, packed, again] = ["plain", "packed", "again"].map((name) => join(folder, name));
  await pipeline(Readable.from(Array(n * 100).fill("a line\n")), createWriteStream(plain));
  await pipeline(createReadStream(plain), createGzip(), createWriteStream(packed));
  await pipeline(createReadStream(packed), createGunzip(), createWriteStream(again));
  await fs.rename(plain, `${plain}.old`);
  return { existed, size: (await fs.stat(again)).size, names: (await fs.readdir(folder)).sort() };
};
