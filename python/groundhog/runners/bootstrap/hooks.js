// What the function wants done before the snapshot, before each restore, and after it. It finds this as
// globalThis[Symbol.for('groundhog.hooks')], in modules of either kind, and not where nobody takes snapshots.
'use strict';

const before = [];
const finishing = [];
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
    registerBeforeRestore: (call, ...args) => add(finishing, call, args),
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

// The last one first, all of them, whatever goes wrong; what that was.
async function beforeRestore(report) {
  const wrong = [];
  for (const hook of [...finishing].reverse()) {
    try {
      await run([hook]);
    } catch (error) {
      wrong.push(report(error));
    }
  }
  return wrong.join('; ');
}

// The first one first; once for each restore.
async function afterRestore() {
  const hooks = waiting;
  waiting = [];
  await run(hooks);
}

module.exports = {
  afterRestore,
  beforeRestore,
  beforeSnapshot,
  due: () => waiting.length > 0,
  finish: () => finishing.length > 0,
};
