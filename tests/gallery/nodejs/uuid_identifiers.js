// Identifiers of each kind.
const uuid = require("uuid");

exports.main = ({ n }) => ({
  random: uuid.v4(),
  time: uuid.v1(),
  ordered: Array.from({ length: (n % 2) + 1 }, () => uuid.v7()),
});
