// A Fastify application that is asked in memory.
const application = require("fastify")();

const visits = [];
application.get("/orders/:number", {
  schema: { params: { type: "object", properties: { number: { type: "integer" } } } },
}, async (request) => {
  visits.push(request.params.number);
  return { visits };
});

exports.main = async ({ n }) => {
  const answer = await application.inject(`/orders/${n}`);
  const wrong = await application.inject("/orders/gear");
  return { ...answer.json(), wrong: wrong.statusCode };
};
