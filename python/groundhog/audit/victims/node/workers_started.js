// A worker thread left running, with a heap of its own and memory shared with us.
"use strict";
const { Worker } = require("node:worker_threads");
const shared = new Int32Array(new SharedArrayBuffer(64));
let started = 0;
module.exports = async ({ secret }) => {
  const seen = { started, written: Atomics.load(shared, 0) > 0 };
  if (started < 4) {
    started++;
    const worker = new Worker(
      "const { workerData } = require('node:worker_threads');" +
        "const shared = new Int32Array(workerData.shared);" +
        "for (;;) { Atomics.add(shared, 0, workerData.secret.length); Atomics.notify(shared, 1); Atomics.wait(shared, 2, 0, 1); }",
      { eval: true, workerData: { shared: shared.buffer, secret } },
    );
    worker.unref();
    while (Atomics.load(shared, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return seen;
};
