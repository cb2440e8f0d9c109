// Random numbers that a revert does not repeat. V8 keeps 64 numbers of Math.random in store, and a generator for further
// contexts, which cannot be reached: so Math.random is a generator of our own (xoshiro128**), seeded by each request.
// OpenSSL keeps its generator in memory, from which come the numbers and keys of node:crypto, what TLS draws, and what
// further threads start from: a small library seeds it (openssl.node). What node:crypto keeps in store of that is
// passed by.
'use strict';

const crypto = require('crypto');
const Module = require('module');
const path = require('path');
const vm = require('vm');

const pools = require('./pools.js');

const state = new Uint32Array(4);
let seedOpenSSL;
let refill; // once Node itself may have ids in store

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

// Seed from hexadecimal digits: for ours eight for each word, more are mixed in.
function reseed(digits) {
  seedOpenSSL(digits);
  if (refill) refill();
  state.fill(0);
  for (let at = 0; at < digits.length; at += 8) state[(at / 8) % 4] ^= parseInt(digits.slice(at, at + 8), 16);
  if (!state.some(Boolean)) state[0] = 1; // the one state that it never leaves
  pools.refill();
}

function define(target, name, value) {
  const { enumerable } = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}

const SCALE = 2 ** -53;

function replaceMathRandom() {
  define(Math, 'random', { random: () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) * SCALE }.random);
}

// Each further context has a Math of its own: it gets a function of its own.
const OWN = '(draw) => { Math.random = { random: () => draw() }.random; }';

function replaceContexts() {
  const { createContext, isContext, runInNewContext, Script } = vm;
  const { random } = Math;
  const own = new Script(OWN);

  const replaced = {
    createContext(object, options) {
      const exists = typeof object === 'object' && object !== null && isContext(object);
      const context = createContext(object, options);
      if (!exists) own.runInContext(context)(random);
      return context;
    },
    runInNewContext(code, object, options) {
      return runInNewContext.call(this, code, made(object, options), options);
    },
  };
  const made = (object, { contextName: name, contextOrigin: origin, contextCodeGeneration: codeGeneration, microtaskMode } = {}) =>
    replaced.createContext(object, { name, origin, codeGeneration, microtaskMode });
  for (const [name, value] of Object.entries(replaced)) define(vm, name, value);
  const { runInNewContext: ofScript } = Script.prototype;
  define(Script.prototype, 'runInNewContext', {
    runInNewContext(object, options) {
      return ofScript.call(this, made(object, options), options);
    },
  }.runInNewContext);
}

const IDS_IN_STORE = 128;

// These draw in advance. Node's own go on checking arguments and complaining.
function replaceStores() {
  const { randomFillSync, randomInt, randomUUID } = crypto;

  const draw = (min, max) => {
    const range = max - min;
    const limit = 2 ** 48 - (2 ** 48 % range); // beyond it, some numbers would be likelier than others
    const bytes = Buffer.allocUnsafeSlow(6);
    for (;;) {
      const number = randomFillSync(bytes).readUIntBE(0, 6);
      if (number < limit) return min + (number % range);
    }
  };
  const fresh = () => randomUUID({ disableEntropyCache: true });
  define(crypto, 'randomInt', {
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
  }.randomInt);
  define(crypto, 'randomUUID', {
    randomUUID(options) {
      if (options !== undefined) randomUUID(options);
      return fresh();
    },
  }.randomUUID);
  const web = Object.getPrototypeOf(crypto.webcrypto);
  const { randomUUID: ofWeb } = web;
  define(web, 'randomUUID', {
    randomUUID() {
      if (this !== crypto.webcrypto) ofWeb.call(this); // complains
      return fresh();
    },
  }.randomUUID);
  // Its ids come from Node's own store, which is used up first, so that the next one is drawn anew.
  const { createObjectURL } = URL;
  define(URL, 'createObjectURL', {
    createObjectURL(blob) {
      refill = () => {
        for (let left = IDS_IN_STORE; left > 0; left--) randomUUID();
      };
      return createObjectURL(blob);
    },
  }.createObjectURL);
}

function loadSeeder() {
  const file = path.join(__dirname, 'openssl.node');
  const loaded = { exports: {} };
  try {
    process.dlopen(loaded, file);
  } catch (error) {
    throw new Error(
      `${file} cannot be loaded into Node ${process.version}, so that its OpenSSL would give each request the same `
        + `random numbers and keys (${error.message}); put a Node first in PATH that exports the functions of its OpenSSL`,
    );
  }
  return loaded.exports;
}

// Take over, before the function is loaded: it may keep what it finds.
function replace() {
  seedOpenSSL = loadSeeder();
  reseed(crypto.randomBytes(16).toString('hex'));
  replaceMathRandom();
  replaceStores();
  pools.replace(define);
  replaceContexts();
  Module.syncBuiltinESMExports(); // for those who import them by name
}

module.exports = { replace, reseed, stopWatching: pools.stopWatching };
