// ActionLoop for the Node victims: one handler, one line in, one line out.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const handler = require(path.resolve(process.argv[2]));
const buffer = Buffer.allocUnsafe(1 << 16);

function readLine() {
  let line = "";
  while (!line.endsWith("\n")) {
    const count = fs.readSync(0, buffer);
    if (count === 0) process.exit(0);
    line += buffer.toString("utf8", 0, count);
  }
  return line;
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += fs.writeSync(3, bytes, at);
}

async function run() {
  write('{"ok":true}\n');
  for (;;) {
    const answer = await handler(JSON.parse(readLine()).value);
    write(JSON.stringify(answer) + "\n");
    handler.after?.(); // what the victim does once its answer is out
  }
}

run();
