// Listeners for what concerns the whole process: rejections, warnings, the exit; and a limit that was raised.
"use strict";
const { EventEmitter } = require("node:events");
const bus = new EventEmitter();
const heard = [];

module.exports = async ({ secret }) => {
  const seen = {
    rejections: process.listenerCount("unhandledRejection"),
    exits: process.listenerCount("exit"),
    warnings: process.listenerCount("warning"),
    bus: bus.listenerCount("order"),
    limit: EventEmitter.defaultMaxListeners,
    heard: [...heard],
  };
  process.on("unhandledRejection", () => heard.push(secret));
  process.on("exit", () => heard.push(secret));
  process.on("warning", () => heard.push(secret));
  bus.once("order", () => heard.push(secret));
  EventEmitter.defaultMaxListeners++;
  Promise.reject(new Error("nobody catches this"));
  await new Promise((resolve) => setImmediate(resolve));
  return seen;
};
