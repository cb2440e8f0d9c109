// A pool of connections to MySQL (here MariaDB).
const mysql = require('mysql2/promise');

const settings = JSON.parse(process.env.MYSQL);
const pool = mysql.createPool({ host: settings.host, port: settings.port, user: settings.user });

exports.main = async ({ n }) => {
  const [rows] = await pool.query('SELECT ? + 1 AS next, REPEAT("ab", ?) AS text', [n, n]);
  return { rows };
};
