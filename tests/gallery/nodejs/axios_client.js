// Axios, a server in the same request, and a port where nobody listens.
const http = require("node:http");
const axios = require("axios");

const client = axios.create({ timeout: 5000, headers: { customer: "ada" } });

exports.main = async ({ n }) => {
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ url: request.url, customer: request.headers.customer }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { data } = await client.get(`http://127.0.0.1:${server.address().port}/${n}`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const error = await client.get("http://127.0.0.1:9").catch(({ code }) => code);
  return { ...data, error };
};
