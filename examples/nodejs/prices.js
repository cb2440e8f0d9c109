// A price service whose cache is keyed too coarsely: by product, though each customer has a price of their own.
const cache = new Map();

async function negotiated(customer, product) {
  const discount = { ada: 0.4, bob: 0.0 }[customer] ?? 0;
  return { product, price: Math.round(100 * (1 - discount)), note: `contract of ${customer}` };
}

exports.main = async ({ customer, product }) => {
  if (!cache.has(product)) cache.set(product, await negotiated(customer, product));
  return cache.get(product);
};
