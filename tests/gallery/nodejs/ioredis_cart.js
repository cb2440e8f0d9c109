// A client of Redis of the load time, with a pipeline.
const Redis = require('ioredis');

const client = new Redis(process.env.REDIS);

exports.main = async ({ n }) => {
  const pipeline = client.pipeline().del('node cart');
  for (let number = 0; number < n; number++) pipeline.hset('node cart', `item ${number}`, number);
  const results = await pipeline.hgetall('node cart').del('node cart').exec();
  return { cart: results.at(-2)[1] };
};
