// Copies and serves a file in each way that Node's own modules have; answers the digest of what arrived.
'use strict';
const { execFile, spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');

const digest = (data) => createHash('sha256').update(data).digest('hex');

async function copied(copy) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'copies-'));
  const target = path.join(folder, 'copy');
  await copy(target);
  const data = fs.readFileSync(target);
  fs.rmSync(folder, { recursive: true });
  return data;
}

async function collected(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function received(source) {
  const server = net.createServer((far) => pipeline(fs.createReadStream(source), far));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const data = await collected(net.connect(server.address().port, '127.0.0.1'));
  server.close();
  return data;
}

async function served(source) {
  const server = http.createServer((request, response) => fs.createReadStream(source).pipe(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
  const data = Buffer.from(await answer.arrayBuffer());
  server.closeAllConnections();
  server.close();
  return data;
}

async function byWorker(source) {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage(require('node:fs').readFileSync(workerData));`;
  const worker = new Worker(code, { eval: true, workerData: source });
  const [data] = await once(worker, 'message');
  await worker.terminate();
  return data;
}

exports.main = async function main(params) {
  const { source } = params;
  if ('write' in params) fs.writeFileSync(source, params.write.repeat(100000));
  const ways = {
    copyFile: () => copied((target) => fs.promises.copyFile(source, target)),
    copyFileSync: () => copied((target) => fs.copyFileSync(source, target)),
    cp: () => copied((target) => fs.promises.cp(source, target)),
    pipeline: () => copied((target) => pipeline(fs.createReadStream(source), fs.createWriteStream(target))),
    socket: () => received(source),
    http: () => served(source),
    worker: () => byWorker(source),
    execFile: async () =>
      (await promisify(execFile)('cat', [source], { encoding: 'buffer', maxBuffer: 1 << 26 })).stdout,
    spawn: () => collected(spawn('cat', [source]).stdout),
  };
  const digests = {};
  for (const way of params.ways ?? Object.keys(ways)) digests[way] = digest(await ways[way]());
  return { digests, pid: process.pid };
};
