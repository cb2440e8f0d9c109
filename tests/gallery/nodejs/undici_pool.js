// Undici's pool of connections, to a server in the same request.
const http = require("node:http");
const { Pool } = require("undici");

exports.main = async ({ n }) => {
  const server = http.createServer((request, response) => response.end(request.url));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const pool = new Pool(`http://127.0.0.1:${server.address().port}`, { connections: 2 });
  const paths = await Promise.all(Array.from({ length: n }, async (_, i) => {
    const { body } = await pool.request({ path: `/${i}`, method: "GET" });
    return body.text();
  }));
  await pool.close();
  await new Promise((resolve) => server.close(resolve));
  return { paths };
};
