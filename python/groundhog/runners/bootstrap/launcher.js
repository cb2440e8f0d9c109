// Serve the requests of one Node function over ActionLoop: launcher.js FILE ENTRY[,ENTRY] NAME.
//
// Runs alone inside the function process: Node's own modules only. One line of JSON per request on stdin, one line
// per answer on descriptor 3. It waits in a blocking read: the event loop does not turn between requests, as on
// platforms that freeze an idle function, and the process is snapshotted in a system call that restarts by itself.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

const generators = require('./generators.js');
const hooks = require('./hooks.js');

const FIRST_READ = 64 * 1024;
const NEXT_READ = 1024 * 1024;
const ENTRY = Symbol.for('groundhog.entry');
const NEWLINE = 10;

const [file, entry, name] = process.argv.slice(2, 5);
const entries = entry.split(','); // the first of them that there is
const acknowledge = Boolean(process.env.OW_WAIT_FOR_ACK);
delete process.env.OW_WAIT_FOR_ACK;
const openwhisk = process.env.GROUNDHOG_OPENWHISK && require('./openwhisk.js'); // answers as callers there know them
delete process.env.GROUNDHOG_OPENWHISK;
process.argv.splice(1, 4, file);

// The request pipe moves off stdin: process.stdin would make it non-blocking, and a child would read from it.
function privateInput() {
  let fd;
  try {
    fd = fs.openSync('/proc/self/fd/0', 'r');
  } catch {
    return 0; // the pipe belongs to another user: then it stays where it is
  }
  fs.closeSync(0);
  if (fs.openSync('/dev/null', 'r') !== 0) throw new Error('descriptor 0 was taken while it was replaced');
  return fd;
}

const input = privateInput();
const answerFd = 3;
const pause = new Int32Array(new SharedArrayBuffer(4));
const first = Buffer.allocUnsafeSlow(FIRST_READ);

function readSome(buffer) {
  for (;;) {
    try {
      return fs.readSync(input, buffer, 0, buffer.length, null);
    } catch (error) {
      if (error.code === 'EOF') return 0;
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1); // the function made the pipe non-blocking
    }
  }
}

let rest = null; // bytes behind the newline: only a caller that sends ahead leaves some

// The next line as text, null at the end of input.
function readLine() {
  let chunk = rest;
  if (chunk === null) {
    const count = readSome(first);
    if (count === 0) return null;
    const newline = first.indexOf(NEWLINE);
    if (newline === count - 1) return first.toString('utf8', 0, newline); // the usual case
    chunk = Buffer.from(first.subarray(0, count));
  }
  rest = null;
  const chunks = [];
  for (;;) {
    const newline = chunk.indexOf(NEWLINE);
    if (newline >= 0) {
      chunks.push(chunk.subarray(0, newline));
      if (newline + 1 < chunk.length) rest = chunk.subarray(newline + 1);
      return Buffer.concat(chunks).toString('utf8');
    }
    chunks.push(chunk);
    const buffer = Buffer.allocUnsafeSlow(NEXT_READ);
    const count = readSome(buffer);
    if (count === 0) return null;
    chunk = buffer.subarray(0, count);
  }
}

function writeLine(text) {
  const data = Buffer.from(text + '\n', 'utf8');
  for (let sent = 0; sent < data.length;) {
    try {
      sent += fs.writeSync(answerFd, data, sent, data.length - sent);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

function isModuleFile() {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') return false;
    }
    if (folder === path.dirname(folder)) return false;
  }
}

// Load a CommonJS file. A line behind its source hands over a function that it defines and does not export: that is
// how functions for OpenWhisk are written.
function loadCommonJs() {
  const roots = entries.map((dotted) => dotted.split('.')[0]);
  const defined = roots.map((root) => `${root}: typeof ${root} === 'undefined' ? undefined : ${root}`);
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (content, filename, ...more) {
    if (filename === file) {
      Module.prototype._compile = compile;
      content += `\n;globalThis[Symbol.for('groundhog.entry')] = {${defined}};`;
    }
    return compile.call(this, content, filename, ...more);
  };
  try {
    return require(file);
  } finally {
    Module.prototype._compile = compile;
  }
}

function pick(from, dotted) {
  return dotted.split('.').reduce((value, part) => (value == null ? undefined : value[part]), from);
}

async function load() {
  generators.replace();
  let loaded;
  if (isModuleFile()) {
    loaded = await import(pathToFileURL(file));
  } else {
    try {
      loaded = loadCommonJs();
    } catch (error) {
      const isModule = error.code === 'ERR_REQUIRE_ESM' ||
        (error instanceof SyntaxError && /import statement|Unexpected token 'export'|import\.meta/.test(error.message));
      if (!isModule) throw error;
      loaded = await import(pathToFileURL(file));
    }
  }
  const hidden = globalThis[ENTRY];
  delete globalThis[ENTRY];
  const whole = [loaded, loaded && loaded.default];
  const exported = entries.flatMap((dotted) => whole.map((from) => pick(from, dotted)));
  const inner = entries.map((dotted) => pick(hidden, dotted));
  const candidates = [...exported, ...(entries.includes('main') ? whole : []), ...inner];
  const found = candidates.find((candidate) => typeof candidate === 'function');
  if (found) return found;
  const named = entries.map((dotted) => `'${dotted}'`).join(' or ');
  if ([...exported, ...inner].some((candidate) => candidate !== undefined)) {
    throw new TypeError(`${named} in ${path.basename(file)} is not a function`);
  }
  throw new TypeError(`${path.basename(file)} neither exports nor defines a function ${named}`);
}

class Context {
  constructor(message) {
    this.awsRequestId = this.requestId = String(message.activation_id || '');
    this.functionName = String(message.action_name || name);
    this.deadlineMs = Number(message.deadline) || 0;
  }

  getRemainingTimeInMillis() {
    return Math.max(0, this.deadlineMs - Date.now());
  }
}

async function nothing() {
  return {};
}

function encode(result) {
  const text = JSON.stringify(result);
  return text === undefined ? 'null' : text; // neither an object nor an array: the supervisor says so
}

const CAUSES = 10; // of an error, at most: they may go round in a circle

// Show an error with the function's part of its stack: what is below our first frame is ours and Node's.
function report(error) {
  try {
    for (let shown = error, left = CAUSES; shown instanceof Error && left > 0; shown = shown.cause, left--) {
      const rows = shown.stack.split('\n');
      const ours = rows.findIndex((row) => /^\s+at /.test(row) && row.includes(`${__filename}:`));
      if (ours > 0) shown.stack = rows.slice(0, ours).join('\n');
    }
  } catch {
    // a stack that is no text, or cannot be changed, is shown as it is
  }
  try {
    console.error(error);
  } catch {
    // it cannot be shown, or the function has replaced what shows it; its answer still counts
  }
}

const FRESH = '@'; // before a request: what its random numbers are to be made of, and what the answer has to repeat
const [SEED, TOKEN, REQUEST] = [1, 81, 113]; // where they begin
const RAISED = ' '; // after an answer: that was raised, not returned
const DONE = ' '; // before an answer: the hooks have run

// Anything may be thrown, also what has no text.
function described(error) {
  try {
    return String(error);
  } catch {
    return 'an object that cannot be shown';
  }
}

// Of what the function threw, or rejected with.
function errorAnswer(error, isThrown) {
  if (openwhisk && !isThrown) {
    try {
      return JSON.stringify(openwhisk.rejected(error));
    } catch {
      // what cannot be shown is told as everywhere
    }
  }
  report(error);
  let shown = error;
  try {
    if (openwhisk && isThrown) shown = openwhisk.thrown(error);
    else if (error instanceof Error || (error && error.message !== undefined)) shown = error.message;
    return JSON.stringify({ error: shown === undefined ? 'undefined' : shown }) + RAISED;
  } catch {
    return JSON.stringify({ error: described(shown) }) + RAISED;
  }
}

// Leave the young generation empty, so that a request has all of it for itself; twice, as objects stay there for one
// round. Never all of the heap: that frees the optimised code of closures that a request made, which nothing else
// holds, and each restored request would begin without. The function never sees the collector.
function collectYoung() {
  require('v8').setFlagsFromString('--expose-gc');
  const collect = require('vm').runInNewContext('gc');
  require('v8').setFlagsFromString('--no-expose-gc');
  collect({ type: 'minor' });
  collect({ type: 'minor' });
}

// The hooks for the moment after a restore. One that fails ends the process, which is not fit to serve.
async function runHooks() {
  try {
    await hooks.afterRestore();
  } catch (error) {
    report(error);
    writeLine(JSON.stringify({ groundhog: 'hook', error: described(error) }));
    process.exit(1);
  }
  fs.writeSync(answerFd, DONE);
}

async function answer(line, handler) {
  if (!line.startsWith(FRESH)) {
    const said = await answerTo(line, handler);
    generators.stopWatching(); // nothing is reverted, or nothing more comes before the snapshot
    return said;
  }
  generators.reseed(line.slice(SEED, TOKEN));
  if (hooks.due()) await runHooks();
  return await answerTo(line.slice(REQUEST), handler) + line.slice(TOKEN, REQUEST);
}

async function answerTo(line, handler) {
  const message = JSON.parse(line);
  if (message.groundhog === 'prepare') {
    try {
      await hooks.beforeSnapshot();
    } catch (error) {
      report(error);
      return JSON.stringify({ ok: false, error: `a hook before the snapshot failed: ${described(error)}` });
    }
    if (message.connections === 'drop') await require('./drivers.js').drop(report);
    collectYoung();
    return JSON.stringify({ ok: true, hooks: hooks.due(), before_restore: hooks.finish() });
  }
  if (message.groundhog === 'finish') {
    const wrong = await hooks.beforeRestore((error) => {
      report(error);
      return described(error);
    });
    return JSON.stringify(wrong ? { ok: false, error: wrong } : { ok: true });
  }
  for (const key of Object.keys(message)) {
    if (key !== 'value' && key !== 'groundhog') {
      const value = message[key];
      process.env[`__OW_${key.toUpperCase()}`] = typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
  let call = handler;
  if (message.groundhog === 'draw') call = require('./draws.js').draw; // audits ask for it
  else if (message.groundhog !== undefined) call = nothing; // a noop is a request in all but the function
  let result;
  try {
    result = call(message.value === undefined ? {} : message.value, new Context(message));
  } catch (error) {
    return errorAnswer(error, true);
  }
  try {
    result = await result;
    return encode(openwhisk ? openwhisk.returned(result) : result);
  } catch (error) {
    return errorAnswer(error, false);
  }
}

function serve(handler) {
  const next = () => {
    const line = readLine();
    if (line === null) process.exit(0);
    // One turn of the event loop: its clock stood still in the read, and timers would fire too early.
    setImmediate(run, line);
  };
  const run = async (line) => {
    writeLine(await answer(line, handler));
    setImmediate(next);
  };
  next();
}

function loadError(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
  const place = error && typeof error.stack === 'string' &&
    error.stack.split('\n').find((row) => row.includes(`${file}:`));
  const line = place && /:(\d+)/.exec(place.slice(place.indexOf(file) + file.length));
  return (line ? `${text} (${path.basename(file)}, line ${line[1]})` : text).replace(/\s+/g, ' ');
}

let served = false;
process.on('exit', (code) => {
  if (!served && acknowledge && code === 0) {
    // The module ended the process, or awaits what never comes.
    writeLine(JSON.stringify({ ok: false, error: `the process ended while loading ${path.basename(file)}` }));
    process.exitCode = 1;
  }
});

load().then(
  (handler) => {
    served = true;
    if (acknowledge) writeLine('{"ok":true,"groundhog":1}');
    serve(handler);
  },
  (error) => {
    served = true;
    report(error);
    if (acknowledge) writeLine(JSON.stringify({ ok: false, error: loadError(error) }));
    process.exit(1);
  },
);
