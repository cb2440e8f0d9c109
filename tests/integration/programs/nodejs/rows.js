// Sorts rows: what a usual request is.
'use strict';

exports.main = ({ rows }) => {
  const sorted = [...rows].sort((one, other) => one.n - other.n);
  return { rows: sorted, sum: sorted.reduce((sum, row) => sum + row.n, 0) };
};
