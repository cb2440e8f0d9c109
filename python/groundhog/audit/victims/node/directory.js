// The working directory and the mask of new files' permissions.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
module.exports = () => {
  const mask = process.umask();
  const seen = { directory: path.basename(process.cwd()).startsWith("left-"), mask };
  process.umask(mask ^ 0o55);
  process.chdir(fs.mkdtempSync(path.join(os.tmpdir(), "left-")));
  return seen;
};
