// Draw from every random number generator of this process, for an audit to compare what restored requests got.
//
// The launcher loads it for one control line, in a request that is reverted like all others. Node's own modules only.
'use strict';

const crypto = require('crypto');
const dgram = require('dgram');
const { once } = require('events');
const Module = require('module');
const vm = require('vm');

const { instancesOf } = require('./drivers.js');
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

const RESOLVERS = 'make a Resolver in the request, or have an after-restore hook make one; what connects by a name, and'
  + ' dns.lookup, asks the C library instead';
const QUESTIONS = 4; // ids have 16 bits
const PATIENCE_MS = 1000;

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

// The ids of questions that a resolver asks, heard in the place of its servers.
async function askedBy(resolver) {
  const server = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  const ids = [];
  const heard = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no question came')), PATIENCE_MS).unref();
    server.on('message', (question) => {
      ids.push(question.readUInt16BE(0));
      if (ids.length === QUESTIONS) resolve(ids.join(' '));
    });
  });
  for (let number = 0; number < QUESTIONS; number++) {
    // Those of the callbacks and those of promises: nobody answers either.
    const asked = resolver.resolve4(`audit-${number}.invalid`, () => {});
    if (asked instanceof Promise) asked.catch(() => {});
  }
  return heard.finally(() => server.close());
}

async function drawResolvers() {
  const found = [];
  // To look for them takes a tenth of a second. Without the module there are none.
  if (!process.moduleLoadList.some((name) => /^NativeModule (internal\/)?dns($|\/(promises|callback_resolver)$)/.test(name))) return found;
  const dns = require('dns');
  const kinds = [dns.Resolver, dns.promises.Resolver];
  const resolvers = [['dns.resolve', dns], ...kinds.flatMap(instancesOf).map((one) => ['a dns.Resolver', one])];
  for (const [where, resolver] of resolvers) {
    const [what, value] = await outcome(() => askedBy(resolver));
    if (what === 'drawn') found.push({ where, what: 'ids of questions', drawn: value, advice: RESOLVERS });
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
  return { drawn, refused, private: [...await drawPackages(), ...await drawResolvers()], notes: [] };
}

module.exports = { draw };
