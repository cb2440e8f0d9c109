// Identifiers by packages.
const { nanoid } = require("nanoid");
const uuid = require("uuid");

exports.main = ({ n }) => ({
  random: uuid.v4(),
  time: uuid.v1(),
  ordered: Array.from({ length: (n % 2) + 1 }, () => uuid.v7()),
  short: nanoid(),
});
