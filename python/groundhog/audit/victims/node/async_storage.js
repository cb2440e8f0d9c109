// Storage that follows asynchronous calls, entered and never left; and a hook on all of them.
"use strict";
const { AsyncLocalStorage, createHook } = require("node:async_hooks");
const storage = new AsyncLocalStorage();
let calls = 0;
let hooks = 0;

module.exports = async ({ secret }) => {
  calls = 0;
  await new Promise((resolve) => setImmediate(resolve));
  const seen = { store: storage.getStore() ?? null, hooked: calls > 0, hooks };
  storage.enterWith(secret);
  createHook({ init() { calls++; } }).enable();
  hooks++;
  return seen;
};
