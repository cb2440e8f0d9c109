// A thread of the load time that ends in the request, as those of pools do which have nothing to do.
const { once } = require('events');
const { Worker } = require('worker_threads');

const squares = () => {
  const { parentPort } = require('worker_threads');
  parentPort.once('message', (n) => parentPort.postMessage(n * n));
};
const start = () => new Worker(`(${squares})()`, { eval: true });
let worker = start();

exports.main = async ({ n }) => {
  worker ??= start();
  const answered = once(worker, 'message');
  const ended = once(worker, 'exit');
  worker.postMessage(n);
  const [square] = await answered;
  const [code] = await ended;
  worker = undefined;
  return { square, code };
};
