// Messages of a protocol that is parsed at load.
const protobuf = require("protobufjs");

const { root } = protobuf.parse('syntax = "proto3"; message Order { string item = 1; repeated int32 counts = 2; }');
const Order = root.lookupType("Order");

exports.main = ({ n }) => {
  const bytes = Order.encode({ item: "gear", counts: Array.from({ length: n }, (_, i) => i) }).finish();
  return { bytes: bytes.length, order: Order.toObject(Order.decode(bytes)) };
};
