// Random numbers that a revert does not repeat. V8 keeps 64 numbers of Math.random in store, and OpenSSL its generator
// in memory: both would give each request the same ones, and neither can be seeded from here. So Math.random is a
// generator of our own (xoshiro128**), seeded by each request, and what node:crypto hands out comes from the kernel.
//
// Keys are made by OpenSSL within: each request would make the same. So once the snapshot is near, that is refused.
//
// Not reached: what TLS draws, and the Math.random of further contexts.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const Module = require('module');

const state = new Uint32Array(4);

function next() {
  const scrambled = Math.imul(state[1], 5);
  const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  const shifted = state[1] << 9;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = (state[3] << 11) | (state[3] >>> 21);
  return result;
}

// Seed from hexadecimal digits: eight for each word, more are mixed in.
function reseed(digits) {
  state.fill(0);
  for (let at = 0; at < digits.length; at += 8) state[(at / 8) % 4] ^= parseInt(digits.slice(at, at + 8), 16);
  if (!state.some(Boolean)) state[0] = 1; // the one state that it never leaves
}

function define(target, name, value) {
  const { enumerable } = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}

const SCALE = 2 ** -53;

function replaceMathRandom() {
  define(Math, 'random', { random: () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) * SCALE }.random);
}

// Where node:crypto checks its arguments and complains, it goes on doing so: what it returned is overwritten.
function replaceCrypto(kernel) {
  const { randomBytes, randomFillSync, randomFill, randomInt, randomUUID } = crypto;
  const { getRandomValues } = Object.getPrototypeOf(crypto.webcrypto);

  function fill(bytes) {
    for (let at = 0; at < bytes.length;) at += fs.readSync(kernel, bytes, at, bytes.length - at, null);
  }
  const refill = (view, offset = 0, size = undefined) => {
    const width = view.BYTES_PER_ELEMENT || 1;
    const start = (view.byteOffset || 0) + offset * width;
    const length = size === undefined ? view.byteLength - offset * width : size * width;
    fill(new Uint8Array(view.buffer || view, start, length));
    return view;
  };
  const draw = (min, max) => {
    const range = max - min;
    const limit = 2 ** 48 - (2 ** 48 % range); // beyond it, some numbers would be likelier than others
    const bytes = Buffer.allocUnsafeSlow(6);
    for (;;) {
      fill(bytes);
      const number = bytes.readUIntBE(0, 6);
      if (number < limit) return min + (number % range);
    }
  };
  const uuid = () => {
    const bytes = Buffer.allocUnsafeSlow(16);
    fill(bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const digits = bytes.toString('hex');
    return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => digits.slice(from, to)).join('-');
  };
  const replaced = {
    randomBytes(size, callback) {
      if (callback === undefined) return refill(randomBytes(size));
      return randomBytes(size, typeof callback !== 'function' ? callback : function (error, bytes) {
        return error ? callback.call(this, error) : callback.call(this, null, refill(bytes));
      });
    },
    randomFillSync(buffer, offset = 0, size = undefined) {
      randomFillSync(buffer, offset, size);
      return refill(buffer, offset, size);
    },
    randomFill(buffer, offset, size, callback) {
      const given = [offset, size, callback].filter((argument) => argument !== undefined);
      const done = typeof given[given.length - 1] === 'function' ? given.pop() : callback;
      return randomFill(buffer, ...given, typeof done !== 'function' ? done : function (error) {
        return error ? done.call(this, error) : done.call(this, null, refill(buffer, ...given));
      });
    },
    randomInt(min, max, callback) {
      const [from, to] = max === undefined || typeof max === 'function' ? [0, min] : [min, max];
      const done = typeof max === 'function' ? max : callback;
      if (done === undefined) {
        randomInt(from, to);
        return draw(from, to);
      }
      return randomInt(from, to, typeof done !== 'function' ? done : (error) => {
        if (error) done(error);
        else done(undefined, draw(from, to));
      });
    },
    randomUUID(options) {
      randomUUID(options);
      return uuid();
    },
  };
  for (const [name, value] of Object.entries(replaced)) define(crypto, name, value);
  for (const name of ['pseudoRandomBytes', 'prng', 'rng']) {
    Object.defineProperty(crypto, name, { value: crypto.randomBytes, writable: true, configurable: true });
  }
  define(Object.getPrototypeOf(crypto.webcrypto), 'getRandomValues', {
    getRandomValues(array) {
      return refill(getRandomValues.call(this, array));
    },
  }.getRandomValues);
  const { randomUUID: webUUID } = Object.getPrototypeOf(crypto.webcrypto);
  define(Object.getPrototypeOf(crypto.webcrypto), 'randomUUID', {
    randomUUID() {
      webUUID.call(this);
      return uuid();
    },
  }.randomUUID);
  Module.syncBuiltinESMExports(); // for those who import them by name
}

const KEYS = ['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync'];

// Have what makes keys throw: two requests would get the same.
function refuseKeys() {
  const refuse = (name) => function () {
    throw new Error(
      `${name}: a key made here would be made again by the next request, since the process goes back to its snapshot;`
        + ' see docs/uniqueness.md of Groundhog'
    );
  };
  for (const name of KEYS) define(crypto, name, refuse(name));
  for (const made of [crypto.createECDH('prime256v1'), crypto.getDiffieHellman('modp14')]) {
    define(Object.getPrototypeOf(made), 'generateKeys', refuse('generateKeys'));
  }
  define(crypto.DiffieHellman.prototype, 'generateKeys', refuse('generateKeys'));
  const refused = refuse('generateKey');
  define(Object.getPrototypeOf(crypto.webcrypto.subtle), 'generateKey', async () => refused());
  Module.syncBuiltinESMExports();
}

// Take over, before the function is loaded: it may keep what it finds.
function replace() {
  reseed(crypto.randomBytes(16).toString('hex'));
  replaceMathRandom();
  replaceCrypto(fs.openSync('/dev/urandom', 'r'));
}

module.exports = { refuseKeys, replace, reseed };
