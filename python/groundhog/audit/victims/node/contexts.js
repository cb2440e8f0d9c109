// Other realms with globals of their own, generators left half-way, symbols for everybody.
"use strict";
const vm = require("node:vm");
const context = vm.createContext({ count: 0 });
const steps = (function* () { const got = []; for (;;) got.push(yield [...got]); })();
let last = steps.next().value;
let symbols = 0;
module.exports = ({ secret }) => {
  const seen = { count: vm.runInContext("count", context), last, symbols };
  vm.runInContext(`count++; globalThis[${JSON.stringify(secret)}] = () => ${JSON.stringify(secret)};`, context);
  last = steps.next(secret).value;
  Symbol.for(secret);
  symbols++;
  return seen;
};
