// Draw from every random number generator of this process, for an audit to compare what restored requests got.
//
// The launcher loads it for one control line, in a request that is reverted like all others. Node's own modules only.
'use strict';

const crypto = require('crypto');
const Module = require('module');
const vm = require('vm');

const { packageOf } = require('./pools.js');

const hex = (bytes) => Buffer.from(bytes).toString('hex');

// The launcher makes all of them fresh.
const KNOWN = {
  'Math.random': () => Math.random(),
  'Math.random of a new context': () => vm.runInNewContext('Math.random()'),
  'crypto.randomBytes': () => hex(crypto.randomBytes(16)),
  'crypto.randomFillSync': () => hex(crypto.randomFillSync(Buffer.alloc(16))),
  'crypto.randomInt': () => crypto.randomInt(2 ** 47),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'crypto.getRandomValues': () => hex(crypto.webcrypto.getRandomValues(new Uint8Array(16))),
  'webcrypto.randomUUID': () => crypto.webcrypto.randomUUID(),
  'crypto.generateKeyPairSync': () => crypto.generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }).d,
  'crypto.generateKeySync': () => hex(crypto.generateKeySync('hmac', { length: 128 }).export()),
  'ECDH.generateKeys': () => {
    const made = crypto.createECDH('prime256v1');
    made.generateKeys();
    return made.getPrivateKey('hex');
  },
  'subtle.generateKey': async () => {
    const { subtle } = crypto.webcrypto;
    const key = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 128 }, true, ['sign']);
    return hex(await subtle.exportKey('raw', key));
  },
};

const POOLS = 'have it draw nothing before the snapshot, in a warm-up or while it loads, so that it fills its pool in'
  + ' the request; or use crypto.randomUUID or crypto.randomBytes';

// Packages that keep random bytes in store: the rest of what was drawn before the snapshot comes back.
const PACKAGES = {
  nanoid: ({ nanoid }) => nanoid(),
  uuid: ({ v4 }) => v4({}), // with options, it is not Node's own
};

// The files of this package that are loaded by require, and what they export: one of them is what others load.
function* loadedAs(name) {
  for (const [path, module] of Object.entries(Module._cache)) {
    if (packageOf(path) === name && module && module.loaded) yield [path, module.exports];
  }
}

function errorText(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

async function outcome(give) {
  try {
    return ['drawn', String(await give())];
  } catch (error) {
    return ['refused', errorText(error)];
  }
}

async function drawPackages() {
  const found = [];
  for (const [name, give] of Object.entries(PACKAGES)) {
    for (const [where, exported] of loadedAs(name)) {
      const [what, value] = await outcome(() => give(exported));
      if (what === 'drawn') found.push({ where, what: `the pool of ${name}`, drawn: value, advice: POOLS });
    }
  }
  return found;
}

async function draw() {
  const drawn = {};
  const refused = {};
  for (const [name, give] of Object.entries(KNOWN)) {
    const [what, value] = await outcome(give);
    (what === 'drawn' ? drawn : refused)[name] = value;
  }
  return { drawn, refused, private: await drawPackages(), notes: [] };
}

module.exports = { draw };
