// A pool of threads that ends idle ones.
const { mkdtempSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const Piscina = require("piscina");

const filename = join(mkdtempSync(join(tmpdir(), "pool-")), "work.js");
writeFileSync(filename, "let calls = 0; module.exports = (n) => { calls++; return n * 2; };");
const pool = new Piscina({ filename, minThreads: 1, maxThreads: 2, idleTimeout: 5 });

exports.main = async ({ n }) => ({
  doubled: await Promise.all(Array.from({ length: n }, (_, i) => pool.run(i))),
});
