// What real functions leaked through: module-level collections, closures, a memo, properties of the function.
"use strict";
const findings = [];
const memo = new Map();
const weak = new WeakMap();
const key = {};
let last = null;

module.exports = function main({ secret }) {
  const seen = {
    findings: [...findings],
    memo: memo.size,
    weak: weak.get(key) ?? null,
    last: last === null ? null : last(),
    own: main.secret ?? null,
  };
  findings.push(secret);
  memo.set(secret, { secret });
  weak.set(key, secret);
  last = () => secret;
  main.secret = secret;
  return seen;
};
