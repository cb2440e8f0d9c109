// Identifiers and random numbers for customers.
const crypto = require("node:crypto");

exports.main = ({ n }) => ({
  math: Math.random(),
  uuid: crypto.randomUUID(),
  bytes: crypto.randomBytes(8).toString("hex"),
  web: [...crypto.getRandomValues(new Uint32Array((n % 2) + 1))],
  key: crypto.generateKeyPairSync("x25519").publicKey.export({ format: "jwk" }).x,
});
