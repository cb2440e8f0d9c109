// What OpenWhisk's own runtime for Node makes of what an action returns, throws or rejects with, as its callers know it
// (https://github.com/apache/openwhisk-runtime-nodejs). Loaded where `groundhog openwhisk` serves.
'use strict';

// Beside what can be enumerated. Of an error nothing else can.
const ALWAYS = ['name', 'message', 'stack', 'cause', 'code'];

// An error as an object that is JSON: what its package serialize-error makes of it.
function serialized(value, above = []) {
  if (typeof value === 'function') return above.length ? undefined : `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[Circular]';
  if (Buffer.isBuffer(value)) return '[object Buffer]';
  if (typeof value.pipe === 'function') return '[object Stream]';
  if (typeof value.toJSON === 'function') return value.toJSON();
  const made = Array.isArray(value) ? [] : {};
  const within = [...above, value];
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'function') made[key] = serialized(member, within);
  }
  for (const key of ALWAYS) {
    if (value[key] !== undefined && value[key] !== null) made[key] = serialized(value[key], within);
  }
  return made;
}

// What a function returned, at once or later: an object, if nothing.
function returned(result) {
  return result === undefined ? {} : result;
}

// What a promise was rejected with is an answer like any other.
function rejected(error) {
  return { error: error ? serialized(error) : {} };
}

// What the function threw before it returned anything: the text of the answer's error.
function thrown(error) {
  return `An error has occurred: ${error}`;
}

module.exports = { rejected, returned, thrown };
