// Counts its requests, by Google's functions-framework.
let seen = 0;
require("@google-cloud/functions-framework").http("count", (_, response) => response.send(String(++seen)));
