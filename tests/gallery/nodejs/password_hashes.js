// Hashes, keys that are derived in threads, a cipher, a signature by a key of the load time.
const crypto = require("node:crypto");
const { promisify } = require("node:util");

const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
const running = crypto.createHash("sha256");

exports.main = async ({ n }) => {
  const word = `password ${n}`;
  running.update(word);
  const key = await promisify(crypto.scrypt)(word, "salt", 32, { N: 1024 });
  const cipher = crypto.createCipheriv("aes-256-cbc", key, Buffer.alloc(16));
  return {
    running: running.copy().digest("hex"),
    derived: (await promisify(crypto.pbkdf2)(word, "salt", 1000, 32, "sha256")).toString("hex"),
    encrypted: cipher.update(word, "utf8", "hex") + cipher.final("hex"),
    signed: crypto.verify(null, Buffer.from(word), publicKey, crypto.sign(null, Buffer.from(word), privateKey)),
  };
};
