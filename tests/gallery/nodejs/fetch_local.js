// `fetch`, from a server of the load time.
const http = require("node:http");

const visits = [];
const server = http.createServer((request, response) => {
  visits.push(request.url);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ visits }));
});
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

exports.main = async ({ n }) => {
  await listening;
  let answer;
  for (let i = 0; i < n; i++) {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/${i}`, { headers: { connection: "close" } });
    answer = await response.json();
  }
  return answer;
};
