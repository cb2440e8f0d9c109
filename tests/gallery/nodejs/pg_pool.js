// A pool of connections to PostgreSQL, one of them of the load time.
const { Pool } = require('pg');

const settings = Object.fromEntries(process.env.POSTGRESQL.split(' ').map((word) => word.split('=')));
const pool = new Pool({ host: settings.host, port: settings.port, user: settings.user, database: settings.dbname });
pool.on('error', () => {}); // an idle connection that ends

exports.main = async ({ n }) => {
  const { rows } = await pool.query('SELECT i, i * i AS square FROM generate_series(1, $1) AS i', [n]);
  return { rows };
};
