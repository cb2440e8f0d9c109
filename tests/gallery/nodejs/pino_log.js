// Log records that a thread writes to a file.
const { mkdtempSync, readFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const pino = require("pino");

const file = join(mkdtempSync(join(tmpdir(), "log-")), "orders.log");
const transport = pino.transport({ target: "pino/file", options: { destination: file } });
const log = pino(transport);
const ready = new Promise((resolve) => transport.once("ready", resolve));

exports.main = async ({ n }) => {
  await ready;
  for (let i = 0; i < n; i++) log.info({ order: i }, "ordered");
  await new Promise((resolve) => log.flush(resolve));
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return { orders: lines.map((line) => JSON.parse(line).order) };
};
