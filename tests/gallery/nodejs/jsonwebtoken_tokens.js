// Tokens that are signed by a secret of the load time.
const { randomBytes } = require("node:crypto");
const jwt = require("jsonwebtoken");

const secret = randomBytes(32);

exports.main = ({ n }) => {
  const token = jwt.sign({ customer: n }, secret, { noTimestamp: true });
  return { customer: jwt.verify(token, secret).customer, parts: token.split(".").length };
};
