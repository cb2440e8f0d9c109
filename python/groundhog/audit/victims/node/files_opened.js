// Files and sockets left open, one of them listening, with a callback for whoever connects.
"use strict";
const fs = require("node:fs");
const net = require("node:net");
const atStart = fs.readdirSync("/proc/self/fd").length;
let opened = 0;
module.exports = async ({ secret }) => {
  const seen = { opened, more: fs.readdirSync("/proc/self/fd").length - atStart };
  fs.openSync("/etc/hostname", "r");
  opened++;
  const server = net.createServer((socket) => socket.end(secret));
  await new Promise((resolve) => server.listen(`\0victim-${process.pid}-${secret}`, resolve));
  server.unref();
  return seen;
};
