// Counts its requests, by Fastify.
const app = require("fastify")();
let seen = 0;
app.get("/", async () => String(++seen));
app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
