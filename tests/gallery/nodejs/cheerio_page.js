// A page that is parsed and changed.
const cheerio = require("cheerio");

exports.main = ({ n }) => {
  const page = cheerio.load(`<ul>${"<li class=order>gear".repeat(n * 10)}</ul>`);
  page("li:nth-child(2n)").addClass("even");
  return { orders: page("li.order").length, even: page(".even").length };
};
