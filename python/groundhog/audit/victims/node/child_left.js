// A child process left behind that holds our answer descriptor and writes to it once our answer is out.
"use strict";
const fs = require("node:fs");
const { spawn } = require("node:child_process");

const LIMIT = 5;
let children = 0;
let current = null;

module.exports = ({ secret }) => {
  const seen = { children };
  if (children < LIMIT) {
    // The file that the child waits for is its own standard input: a line there comes after our answer.
    current = spawn("sh", ["-c", "read -r start; while echo '{\"forged\":true}' >&3; do sleep 0.001; done"], {
      stdio: ["pipe", "ignore", "ignore", 3],
      detached: true,
      env: { ...process.env, SECRET: secret },
    });
    current.unref();
    children++;
  }
  return seen;
};

module.exports.after = () => {
  if (current !== null) fs.writeSync(current.stdin._handle.fd, "go\n");
  current = null;
};
