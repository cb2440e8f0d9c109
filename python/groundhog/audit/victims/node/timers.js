// Work left for later: intervals, immediate callbacks, promises that resolve after the answer.
"use strict";
let ran = 0;
let started = 0;
module.exports = async ({ secret }) => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  const seen = { started, ran: ran > 0 };
  started++;
  if (started < 50) setInterval(() => { ran += secret.length; }, 1);
  setImmediate(() => { ran++; });
  Promise.resolve().then(() => new Promise((resolve) => setTimeout(resolve, 1))).then(() => { ran++; });
  return seen;
};
