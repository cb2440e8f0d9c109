// Identifiers of MongoDB, which count on from a number drawn at load.
const { ObjectId } = require("bson");

exports.main = ({ n }) => ({
  first: new ObjectId().toHexString(),
  all: Array.from({ length: (n % 2) + 1 }, () => new ObjectId().toHexString()),
});
