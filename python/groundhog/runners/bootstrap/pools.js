// Random bytes that packages draw before the snapshot and keep in store: each request would get the same rest of them. They
// are drawn again in place. Only of packages that are known to use such bytes for identifiers: what a function keeps, such
// as a key, has to stay.
'use strict';

const crypto = require('crypto');

// Which of the bytes that a package draws it keeps in store.
const KEPT = {
  __proto__: null, // nothing but these
  '@prisma/client': (bytes) => bytes.byteLength >= 256 && bytes.byteLength % 128 === 0, // a bundle with nanoid, for any length
  '@lukeed/csprng': (bytes) => bytes.byteLength === 4096, // for @lukeed/uuid/secure and uid/secure
  base64id: (bytes) => bytes.byteLength === 4096, // sessions of Socket.IO
  bson: (bytes) => bytes.byteLength === 5, // what is the process's own in all ids of MongoDB
  'dd-trace': (bytes) => bytes.byteLength === 65536, // ids of traces and spans
  id128: (bytes) => bytes.byteLength === 4000,
  nanoid: () => true,
  scru128: (bytes) => bytes.byteLength === 32,
  undici: (bytes) => [8192, 16386].includes(bytes.byteLength), // masks of WebSocket; the latter up to version 6, and in Node
  uuid: (bytes) => bytes.byteLength === 256,
  'uuid-random': (bytes) => bytes.byteLength === 4096,
  uuidv7: (bytes) => bytes.byteLength === 32,
  ws: (bytes) => bytes.byteLength === 8192,
};

// What nanoid draws for ids of its usual length: many packages are bundles that have it inside, as parts of Next.js are.
const ofNanoid = (bytes) => bytes.byteLength === 21 * 128;

const kept = new Set();
let watching = true;
let refills = 0;

// The file of whoever called this function; none if that is Node itself, or where the function lets nobody ask.
function callerOf(called) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder = {};
  // By `Reflect`: it may have frozen this, and is to get its bytes all the same.
  Reflect.set(Error, 'prepareStackTrace', (_, sites) => sites);
  Reflect.set(Error, 'stackTraceLimit', 1);
  Error.captureStackTrace(holder, called);
  const [site] = Array.isArray(holder.stack) ? holder.stack : [];
  Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return (site && site.getFileName()) || '';
}

// The package that a file belongs to.
function packageOf(file) {
  if (file === 'node:internal/deps/undici/undici') return 'undici'; // Node's own WebSocket
  const inner = file.split('/node_modules/');
  if (inner.length < 2) return '';
  const [first, second] = inner.pop().split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

// What a file keeps in store. Packages also carry copies of others: Socket.IO one of base64id in `contrib/base64id.js`, Next.js
// several in folders of `compiled`.
function keeperOf(file) {
  const own = KEPT[packageOf(file)];
  if (own || !file.includes('/node_modules/')) return own;
  const copied = file.split('/node_modules/').pop().split('/').slice(1).map((part) => part.replace(/\.[cm]?js$/, ''));
  return KEPT[copied.reverse().find((name) => name in KEPT)] || ofNanoid;
}

// What whoever called `called` keeps in store.
function keeperAt(called) {
  return watching ? keeperOf(callerOf(called)) : undefined;
}

// Whether `bytes`, which were drawn, are kept in store.
function note(keeps, bytes) {
  const noted = Boolean(keeps) && ArrayBuffer.isView(bytes) && keeps(bytes);
  if (noted) kept.add(bytes);
  return noted;
}

// For bytes that are drawn later, perhaps before the snapshot, while the callback's turn comes in each request.
function noting(keeps, callback) {
  const before = refills;
  return function (error, bytes) {
    if (note(keeps, bytes) && refills !== before) fill(bytes);
    return Reflect.apply(callback, this, [error, bytes]);
  };
}

// `define` exchanges a function.
function replace(define) {
  const { randomBytes, randomFillSync } = crypto;
  const web = Object.getPrototypeOf(crypto.webcrypto);
  const { getRandomValues } = web;

  define(crypto, 'randomBytes', {
    randomBytes(size, callback) {
      const keeps = keeperAt(crypto.randomBytes);
      if (keeps && typeof callback === 'function') return randomBytes(size, noting(keeps, callback));
      const bytes = randomBytes(size, callback);
      note(keeps, bytes);
      return bytes;
    },
  }.randomBytes);
  define(crypto, 'randomFillSync', {
    randomFillSync(buffer, ...more) {
      const bytes = randomFillSync(buffer, ...more);
      note(keeperAt(crypto.randomFillSync), bytes);
      return bytes;
    },
  }.randomFillSync);
  define(web, 'getRandomValues', {
    getRandomValues(array) {
      const bytes = getRandomValues.call(this, array);
      note(keeperAt(web.getRandomValues), bytes);
      return bytes;
    },
  }.getRandomValues);
}

// Nothing is kept from now on that would come back.
function stopWatching() {
  watching = false;
}

function fill(bytes) {
  crypto.webcrypto.getRandomValues(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

// Draw them again; nobody reads those that were given up.
function refill() {
  refills++;
  kept.forEach(fill);
}

module.exports = { packageOf, refill, replace, stopWatching };
