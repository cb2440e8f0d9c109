// A folder that is watched until a file appears in it.
const { mkdtempSync, watch, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

exports.main = async ({ n }) => {
  const folder = mkdtempSync(join(tmpdir(), "watched-"));
  const name = await new Promise((resolve) => {
    const watcher = watch(folder, (_, found) => {
      watcher.close();
      resolve(found);
    });
    writeFileSync(join(folder, `order-${n}`), "x");
  });
  return { name };
};
