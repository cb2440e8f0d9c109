// Context of asynchronous calls, generators and streams of the web.
const { AsyncLocalStorage } = require("node:async_hooks");

const storage = new AsyncLocalStorage();
const customers = new Map();

async function* numbers(n) {
  for (let i = 0; i < n; i++) {
    await null;
    yield i;
  }
}

exports.main = ({ n }) => storage.run({ customer: n }, async () => {
  const before = customers.size;
  let sum = 0;
  for await (const number of numbers(n)) sum += number;
  customers.set(n, storage.getStore().customer);
  const packed = new Blob(["text".repeat(n)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
  return { before, sum, customer: storage.getStore().customer, bytes: bytes.length };
});
