// Code that runs in a context of its own, and prototypes that a request changes.
const vm = require("node:vm");

const context = vm.createContext({ orders: [] });

exports.main = ({ n }) => {
  const polluted = "customer" in {};
  Object.prototype.customer = n;
  const orders = vm.runInContext(`orders.push(${n}); orders.map((order) => order * 2)`, context);
  const fresh = vm.runInNewContext("typeof orders");
  delete require.cache[require.resolve("node:url")];
  process.env.CUSTOMER = `${n}`;
  const answer = { polluted: `${polluted}`, orders: [...orders], fresh };
  return JSON.parse(JSON.stringify(answer));
};
