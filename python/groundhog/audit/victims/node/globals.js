// State of the runtime: prototypes polluted, globals, environment, module cache, a buffer pool with old bytes.
"use strict";
module.exports = ({ secret }) => {
  const fresh = Buffer.allocUnsafe(2048);
  const seen = {
    polluted: {}.victim ?? null,
    global: globalThis.victim ?? null,
    variable: process.env.VICTIM ?? null,
    patched: [3, 1].at !== Array.prototype.victimAt && "victimAt" in Array.prototype,
    cached: Object.keys(require.cache).filter((name) => name.includes("secret")).length,
    listeners: process.listenerCount("victim"),
    loaded: process.moduleLoadList.includes("NativeModule zlib"),
    pool: fresh.includes("QSECRET"),
  };
  Object.defineProperty(Object.prototype, "victim", { value: secret, configurable: true, writable: true });
  globalThis.victim = secret;
  process.env.VICTIM = secret;
  Array.prototype.victimAt = Array.prototype.at;
  require.cache["/secret.js"] = { exports: secret };
  process.on("victim", () => secret);
  if (process.listenerCount("victim") > 5) process.removeAllListeners("victim");
  require("node:zlib").gzipSync(Buffer.from(secret.repeat(1000)));
  for (let i = 0; i < 64; i++) Buffer.allocUnsafe(2048).fill("QSECRET");
  return seen;
};
