// A thread of the load time that serves every request.
const { Worker } = require("node:worker_threads");

const worker = new Worker(`
const { parentPort } = require("node:worker_threads");
const seen = [];
parentPort.on("message", (n) => { seen.push(n); parentPort.postMessage(seen); });
`, { eval: true });

exports.main = async ({ n }) => {
  const answer = new Promise((resolve) => worker.once("message", resolve));
  worker.postMessage(n);
  return { seen: await answer };
};
