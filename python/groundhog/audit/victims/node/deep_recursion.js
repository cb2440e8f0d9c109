// Recursion until the engine refuses; the error keeps what it saw.
"use strict";
let last = null;
function dive(secret, depth) {
  return dive(secret, depth + 1) + secret.length;
}
module.exports = ({ secret }) => {
  const seen = { error: last };
  try {
    dive(secret, 0);
  } catch (error) {
    last = error.name;
  }
  return seen;
};
