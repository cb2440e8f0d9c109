// Counts its requests, by Express.
const app = require("express")();
let seen = 0;
app.get("/", (_, response) => response.send(String(++seen)));
app.listen(process.env.PORT);
