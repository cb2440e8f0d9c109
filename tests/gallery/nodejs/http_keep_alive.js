// A server and a client that keeps its connections, in one request.
const http = require("node:http");

const agent = new http.Agent({ keepAlive: true });

const ask = (port, path) => new Promise((resolve, reject) => {
  http.get({ port, host: "127.0.0.1", path, agent }, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part)).on("end", () => resolve(text));
  }).on("error", reject);
});

exports.main = async ({ n }) => {
  let connections = 0;
  const server = http.createServer((request, response) => response.end(request.url));
  server.on("connection", () => connections++);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const paths = [];
  for (let i = 0; i < n; i++) paths.push(await ask(server.address().port, `/${i}`));
  agent.destroy();
  await new Promise((resolve) => server.close(resolve));
  return { paths, connections };
};
