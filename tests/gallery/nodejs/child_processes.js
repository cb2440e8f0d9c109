// Programs that are run, in each way that Node has.
const { execFile, execSync, fork, spawn } = require("node:child_process");
const { promisify } = require("node:util");
const { writeFileSync, mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const output = (child) => new Promise((resolve) => {
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  child.on("close", (status) => resolve(`${text.trim()}:${status}`));
});

exports.main = async ({ n }) => {
  const script = join(mkdtempSync(join(tmpdir(), "child-")), "child.js");
  writeFileSync(script, "process.on('message', (n) => { process.send(n * 2); process.disconnect(); });");
  const child = fork(script);
  const doubled = new Promise((resolve) => child.on("message", resolve));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.send(n);
  const cat = spawn("cat");
  const spawned = output(cat);
  cat.stdin.end("spawned");
  return {
    execFile: (await promisify(execFile)("seq", [`${n}`])).stdout.split("\n").length,
    execSync: execSync(`echo ${n} | tr 0-9 a-j`).toString().trim(),
    spawned: await spawned,
    forked: await doubled,
    status: await ended,
  };
};
