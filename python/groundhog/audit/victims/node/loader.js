// The module loader: a cached module changed in place, a loader for another extension, the resolver wrapped.
"use strict";
const Module = require("node:module");
const querystring = require("node:querystring");

module.exports = ({ secret }) => {
  const seen = {
    extensions: Object.keys(Module._extensions),
    resolver: Module._resolveFilename.secret ?? null,
    changed: querystring.secret ?? null,
    children: module.children.length,
  };
  Module._extensions["." + secret] = () => secret;
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (...rest) => resolve(...rest);
  Module._resolveFilename.secret = secret;
  querystring.secret = secret;
  module.children.push(new Module(secret));
  return seen;
};
