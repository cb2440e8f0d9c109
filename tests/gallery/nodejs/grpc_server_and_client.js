// A gRPC server and its client in one request.
const grpc = require("@grpc/grpc-js");

const plain = { requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String };
const service = { double: { path: "/shop.Orders/Double", requestStream: false, responseStream: false, ...plain } };
const Client = grpc.makeGenericClientConstructor(service, "Orders");
const insecure = grpc.credentials.createInsecure();

exports.main = async ({ n }) => {
  const server = new grpc.Server();
  server.addService(service, { double: ({ request }, answer) => answer(null, request.repeat(2)) });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const client = new Client(`127.0.0.1:${port}`, insecure);
  const answers = [];
  for (let i = 0; i < n; i++) {
    answers.push(await new Promise((resolve, reject) => client.double(`${i};`, (error, answer) => (error ? reject(error) : resolve(answer)))));
  }
  client.close();
  server.forceShutdown();
  return { answers };
};
