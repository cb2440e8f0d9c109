// A database of the load time, by a native module.
const Database = require("libsql");

const database = new Database(":memory:");
database.exec("create table orders(item integer)");

exports.main = ({ n }) => {
  const insert = database.prepare("insert into orders values (?)");
  for (let item = 0; item < n; item++) insert.run(item);
  const { count, total } = database.prepare("select count(*) as count, sum(item) as total from orders").get();
  return { count, total };
};
