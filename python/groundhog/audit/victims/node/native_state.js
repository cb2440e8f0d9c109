// State outside of the heap: a digest half-way, a compressor's window, text that a decoder waits to complete.
"use strict";
const crypto = require("node:crypto");
const { StringDecoder } = require("node:string_decoder");
const { PassThrough } = require("node:stream");
const digest = crypto.createHash("sha256");
const decoder = new StringDecoder("utf8");
const stream = new PassThrough({ highWaterMark: 1 << 20 });
const half = Buffer.from("é");
let flip = 0;
module.exports = ({ secret }) => {
  const seen = {
    digest: digest.copy().digest("hex"),
    decoded: decoder.write(half.subarray(flip, flip + 1)),
    waiting: stream.readableLength + stream.writableLength,
  };
  flip = 1 - flip;
  digest.update(secret);
  stream.write(secret);
  return seen;
};
