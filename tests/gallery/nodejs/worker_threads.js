// A thread of the request, with shared memory and messages.
const { Worker } = require("node:worker_threads");

const CODE = `
const { parentPort, workerData } = require("node:worker_threads");
const shared = new Int32Array(workerData.memory);
for (let i = 0; i < workerData.n; i++) Atomics.add(shared, 0, i);
parentPort.postMessage("done");
`;

exports.main = async ({ n }) => {
  const memory = new SharedArrayBuffer(4);
  const worker = new Worker(CODE, { eval: true, workerData: { memory, n } });
  const message = await new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject));
  await worker.terminate();
  return { message, total: new Int32Array(memory)[0] };
};
