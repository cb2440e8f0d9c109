// A WebSocket server and its client in one request.
const { once } = require("node:events");
const { WebSocket, WebSocketServer } = require("ws");

exports.main = async ({ n }) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(`${data}`.toUpperCase())));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  await once(client, "open");
  const answers = [];
  for (let i = 0; i < n; i++) {
    client.send(`order ${i}`);
    answers.push(`${(await once(client, "message"))[0]}`);
  }
  client.close();
  await once(client, "close");
  await new Promise((resolve) => server.close(resolve));
  return { answers };
};
