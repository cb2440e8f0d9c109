// Connections that a package opens again by itself on demand, closed before the snapshot. A request that used one would
// cost the process that connection, or find out first that it is gone. Only through the package's public interface, and
// only idle ones: what a session holds cannot be made again.
'use strict';

const inspector = require('inspector');
const { once } = require('events');
const { packageOf } = require('./pools.js');

const PATIENCE_MS = 1000; // a server that does not answer keeps no function from starting
const PASSED_ON = Symbol.for('groundhog.drivers'); // by a global: the inspector evaluates nothing else

// https://node-postgres.com/apis/pool: an idle client that is acquired, and released with `true`, is closed.
async function closeIdleOfPg(pool) {
  if (pool.ended || pool.ending || pool.waitingCount > 0) return;
  const clients = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  // All at once, and nothing is awaited between: a client that is not released is missing in every request.
  await Promise.all(clients.map((client) => {
    const ended = once(client, 'end');
    client.release(true);
    return ended;
  }));
}

const CLOSES = { __proto__: null, 'pg-pool': closeIdleOfPg };

// Every object of a class that is anywhere in this process. Only the inspector knows them, and starts no thread for that.
function instancesOf(kind) {
  const session = new inspector.Session();
  const ask = (method, parameters) => {
    let answer;
    session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  };
  const found = [];
  const passed = `globalThis[Symbol.for('${PASSED_ON.description}')]`;
  session.connect();
  Object.defineProperty(globalThis, PASSED_ON, { configurable: true, value: { found, kind } });
  try {
    const { result: prototype } = ask('Runtime.evaluate', { expression: `${passed}.kind.prototype` });
    const { objects } = ask('Runtime.queryObjects', { prototypeObjectId: prototype.objectId });
    const collect = `function () { for (const one of this) ${passed}.found.push(one); }`;
    ask('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration: collect });
  } finally {
    delete globalThis[PASSED_ON];
    session.disconnect();
  }
  return found.filter((one) => !Object.hasOwn(one, 'constructor')); // not the prototype of a class that extends it
}

// `report` is told of a package that refuses, whose connections then stay.
async function drop(report) {
  for (const [file, { exports: kind }] of Object.entries(require.cache)) {
    const close = CLOSES[packageOf(file)];
    if (!close || typeof kind !== 'function') continue;
    let timer;
    try {
      const closed = Promise.all(instancesOf(kind).map(close));
      const late = new Promise((resolve) => { timer = setTimeout(resolve, PATIENCE_MS); });
      await Promise.race([closed, late]);
    } catch (error) {
      report(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

module.exports = { drop, instancesOf };
