// Code that the JIT compiles during requests: hot functions, with a constant of the caller folded in.
"use strict";
let total = 0;
const shapes = [];
module.exports = ({ secret }) => {
  const seen = { total, shapes: shapes.length };
  const hot = new Function("n", `let sum = 0; for (let i = 0; i < n; i++) sum += ${secret.length} * i % 7; return sum;`);
  for (let i = 0; i < 200; i++) total += hot(2000);
  const shape = {};
  for (const letter of secret) shape[letter + shapes.length] = secret;
  shapes.push(shape);
  return seen;
};
