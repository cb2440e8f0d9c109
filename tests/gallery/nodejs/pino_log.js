// Log records that a thread writes to a file.
const { existsSync, mkdtempSync, readFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const pino = require("pino");

const file = join(mkdtempSync(join(tmpdir(), "log-")), "orders.log");
const log = pino(pino.transport({ target: "pino/file", options: { destination: file } }));

const lines = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []);

exports.main = async ({ n }) => {
  const wanted = lines().length + n;
  for (let i = 0; i < n; i++) log.info({ order: i }, "ordered");
  log.flush();
  while (lines().length < wanted) await new Promise(setImmediate);
  return { orders: lines().map((line) => JSON.parse(line).order) };
};
