// What the function wants done before the snapshot and after each restore. It finds this as
// globalThis[Symbol.for('groundhog.hooks')], in modules of either kind, and not where nobody takes snapshots.
'use strict';

const before = [];
const after = [];
let waiting = [];

function add(hooks, call, args) {
  if (typeof call !== 'function') throw new TypeError(`a hook is a function, not ${call === null ? 'null' : typeof call}`);
  hooks.push([call, args]);
  return call;
}

Object.defineProperty(globalThis, Symbol.for('groundhog.hooks'), {
  value: Object.freeze({
    registerBeforeSnapshot: (call, ...args) => add(before, call, args),
    registerAfterRestore: (call, ...args) => add(after, call, args),
  }),
});

async function run(hooks) {
  for (const [call, args] of hooks) await call(...args);
}

// The last one first. What is registered from here on is not for this snapshot.
async function beforeSnapshot() {
  await run([...before].reverse());
  waiting = [...after];
}

// The first one first; once for each restore.
async function afterRestore() {
  const hooks = waiting;
  waiting = [];
  await run(hooks);
}

module.exports = { afterRestore, beforeSnapshot, due: () => waiting.length > 0 };
