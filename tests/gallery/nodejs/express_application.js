// An Express application that listens since the load time.
const express = require("express");

const application = express();
const visits = [];
application.use(express.json());
application.post("/orders/:number", (request, response) => {
  visits.push(request.params.number);
  response.json({ visits, body: request.body });
});
const listening = new Promise((resolve) => {
  const server = application.listen(0, "127.0.0.1", () => resolve(server));
});

exports.main = async ({ n }) => {
  const { port } = (await listening).address();
  const response = await fetch(`http://127.0.0.1:${port}/orders/${n}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ n }),
  });
  return response.json();
};
