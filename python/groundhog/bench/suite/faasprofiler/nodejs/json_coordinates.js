// Reads a thousand points from the JSON of its request, and answers their centre.
"use strict";

exports.main = ({ coordinates }) => {
  const centre = {};
  for (const axis of "xyz") {
    let total = 0;
    for (const point of coordinates) total += point[axis];
    centre[axis] = total / coordinates.length;
  }
  return centre;
};
