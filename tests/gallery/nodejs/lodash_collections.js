// Collections, a memory of results, and numbers of Lodash's own.
const _ = require("lodash");

const squared = _.memoize((number) => number * number);

exports.main = ({ n }) => ({
  groups: _.mapValues(_.groupBy(_.range(n * 10), (number) => number % 3), (group) => _.sum(group.map(squared))),
  remembered: squared.cache.size,
  identifier: _.uniqueId("order-"),
});
