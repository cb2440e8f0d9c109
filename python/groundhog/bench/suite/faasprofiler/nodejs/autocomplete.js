// Completes what somebody types in a field: the first names in order that begin like it, by binary search.
"use strict";

const SHOWN = 20;
const PARTS = [
  "Al Bren Cor Dun Es Fal Gar Hol Kel Lan Mar Nor Os Pen Ros Sel Tor Wal",
  "a be do er i ke lo mi ne or ta u",
  "bridge by dale don field ford ham hurst ley mouth port stead ton well wick",
].map((parts) => parts.split(" "));

// 3,240 towns that do not exist, each with what it is found by.
const towns = PARTS.reduce((starts, ends) => starts.flatMap((start) => ends.map((end) => start + end)))
  .map((name) => ({ key: name.toLowerCase(), name }))
  .sort((left, right) => (left.key < right.key ? -1 : 1));

exports.main = ({ term }) => {
  const typed = term.toLowerCase().replace(/[^a-z ]/g, "").trim();
  let low = 0;
  let high = towns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (towns[middle].key < typed) low = middle + 1;
    else high = middle;
  }
  const found = [];
  while (found.length < SHOWN && towns[low]?.key.startsWith(typed)) found.push(towns[low++].name);
  return { found };
};
