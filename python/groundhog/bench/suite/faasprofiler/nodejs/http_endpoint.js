// The smallest endpoint: it answers what it is asked.
"use strict";

exports.main = (params) => ({ received: params });
