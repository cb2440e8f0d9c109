// An interval of the load time, timers of the request, and listeners that it leaves.
const { EventEmitter, once } = require("node:events");
const { setTimeout: pause } = require("node:timers/promises");

const bus = new EventEmitter().setMaxListeners(0);
let ticks = 0;
setInterval(() => { ticks++; bus.emit("tick"); }, 3);

exports.main = async ({ n }) => {
  const heard = [];
  bus.on("order", (order) => heard.push(order));
  await Promise.all([pause(2), once(bus, "tick")]);
  for (let i = 0; i < n; i++) bus.emit("order", i);
  setTimeout(() => bus.emit("order", "late"), 60_000).unref();
  return { heard, listeners: bus.listenerCount("order"), ticked: ticks > 0 };
};
