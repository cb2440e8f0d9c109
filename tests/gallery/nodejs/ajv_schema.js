// A schema that is compiled at load, and another one in the request.
const Ajv = require("ajv");

const ajv = new Ajv({ allErrors: true });
const isOrder = ajv.compile({
  type: "object",
  properties: { item: { type: "string" }, count: { type: "integer", minimum: 1 } },
  required: ["item"],
});

exports.main = ({ n }) => {
  const known = ajv.getSchema("numbers") !== undefined;
  if (!known) ajv.addSchema({ $id: "numbers", type: "array", maxItems: n });
  const right = isOrder({ item: "gear", count: n });
  isOrder({ count: 0 });
  return { known, right, errors: isOrder.errors.map((error) => error.keyword), fits: ajv.validate("numbers", [1, 2, 3, 4]) };
};
