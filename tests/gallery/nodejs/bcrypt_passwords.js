// Passwords that are hashed in threads; each hash has a salt of its own.
const bcrypt = require("bcrypt");

exports.main = async ({ n }) => {
  const hash = await bcrypt.hash(`password ${n}`, 4);
  return { hash, right: await bcrypt.compare(`password ${n}`, hash) };
};
