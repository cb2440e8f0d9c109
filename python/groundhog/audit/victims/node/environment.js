// Environment variables, among them the time zone, which the runtime caches, and arguments of the process.
"use strict";
module.exports = ({ secret }) => {
  const seen = {
    variable: process.env.VICTIM ?? null,
    zone: new Date(0).getTimezoneOffset(),
    arguments: process.argv.length,
    options: process.execArgv.length,
    deprecation: process.noDeprecation ?? null,
  };
  process.env.VICTIM = secret;
  process.env.TZ = "Asia/Kathmandu";
  process.argv.push(secret);
  process.execArgv.push(secret);
  process.noDeprecation = true;
  return seen;
};
