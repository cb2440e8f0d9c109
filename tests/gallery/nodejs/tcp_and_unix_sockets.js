// A server on a Unix socket and one on TCP, with their clients.
const net = require("node:net");
const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const echo = async (where, text) => {
  const server = net.createServer((socket) => socket.pipe(socket));
  await new Promise((resolve) => server.listen(where, resolve));
  const client = net.connect(server.address().port ?? where);
  client.end(text);
  let received = "";
  for await (const part of client) received += part;
  await new Promise((resolve) => server.close(resolve));
  return received;
};

exports.main = async ({ n }) => ({
  unix: await echo(join(mkdtempSync(join(tmpdir(), "socket-")), "s"), "x".repeat(n)),
  tcp: await echo({ port: 0, host: "127.0.0.1" }, "y".repeat(n)),
});
