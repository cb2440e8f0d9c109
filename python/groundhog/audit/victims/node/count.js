// A counter in a module variable.
"use strict";
let count = 0;
module.exports = () => ({ count: ++count });
