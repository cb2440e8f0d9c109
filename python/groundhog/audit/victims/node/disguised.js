// Built-in functions replaced by wrappers that keep name, length and what toString says of native code.
"use strict";
const heard = [];

function wrap(object, name, secret) {
  const original = object[name];
  const wrapped = function (...rest) {
    heard.push(secret);
    return original.apply(this, rest);
  };
  const text = Function.prototype.toString.call(original);
  Object.defineProperty(wrapped, "name", { value: name });
  Object.defineProperty(wrapped, "length", { value: original.length });
  Object.defineProperty(wrapped, "toString", { value: () => text });
  Object.defineProperty(object, name, { value: wrapped, writable: true, configurable: true, enumerable: false });
}

module.exports = ({ secret }) => {
  heard.length = 0;
  [1].includes(1);
  JSON.parse("1");
  const seen = { includes: String(Array.prototype.includes), parse: JSON.parse.name, heard: [...heard] };
  wrap(Array.prototype, "includes", secret);
  wrap(JSON, "parse", secret);
  return seen;
};
