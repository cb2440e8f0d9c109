// Files under the temporary folder: a cache that every request rewrites, and one more for each.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');

const cache = path.join(os.tmpdir(), 'victim-cache.json');
fs.writeFileSync(cache, '{}');

module.exports = (params) => {
  const seen = fs.readFileSync(cache, 'utf8');
  const left = fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('victim-')).length;
  fs.writeFileSync(cache, JSON.stringify(params));
  fs.writeFileSync(path.join(os.tmpdir(), `victim-${params.secret}`), params.secret);
  return { seen, left };
};
