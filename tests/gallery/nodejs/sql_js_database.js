// SQLite as WebAssembly.
const opened = require("sql.js")().then(({ Database }) => new Database());

exports.main = async ({ n }) => {
  const database = await opened;
  database.run("create table if not exists orders(item integer)");
  for (let item = 0; item < n; item++) database.run("insert into orders values (?)", [item]);
  return { rows: database.exec("select count(*), sum(item) from orders")[0].values };
};
