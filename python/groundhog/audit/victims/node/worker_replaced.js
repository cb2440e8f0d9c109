// A worker of the start terminated, and another one started in its place with the same name and memory.
"use strict";
const { Worker } = require("node:worker_threads");
const shared = new Int32Array(new SharedArrayBuffer(64));
const code =
  "const { workerData } = require('node:worker_threads');" +
  "const shared = new Int32Array(workerData); Atomics.add(shared, 0, 1); Atomics.wait(shared, 1, 0);";
const start = () => {
  const worker = new Worker(code, { eval: true, workerData: shared.buffer, name: "worker" });
  worker.unref();
  return worker;
};
let worker = start();
let replaced = 0;
const counted = async (count) => {
  while (Atomics.load(shared, 0) < count) await new Promise((resolve) => setTimeout(resolve, 1));
};
module.exports = async () => {
  await counted(1);
  const seen = { replaced, started: Atomics.load(shared, 0) };
  await worker.terminate();
  worker = start();
  await counted(seen.started + 1);
  replaced++;
  return seen;
};
