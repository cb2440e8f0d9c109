// Encodes a string of a million bytes as base64, and decodes it, again and again.
"use strict";

exports.main = ({ size, rounds }) => {
  const text = "a".repeat(size);
  let encoded = "";
  const made = { encoded: 0, decoded: 0 };
  for (let round = 0; round < rounds; round++) {
    encoded = Buffer.from(text).toString("base64");
    made.encoded += encoded.length;
  }
  for (let round = 0; round < rounds; round++) {
    made.decoded += Buffer.from(encoded, "base64").toString().length;
  }
  return made;
};
