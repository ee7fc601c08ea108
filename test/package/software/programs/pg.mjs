// pg with a real PostgreSQL at the port that is given: a pool, a large result, a transaction, NOTIFY, and errors.
import { once } from 'node:events';
import pg from 'pg';
import { say } from './said.mjs';

const options = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'postgres', database: 'postgres' };
const pool = new pg.Pool({ ...options, max: 4 });
await pool.query('CREATE TABLE sums (n integer PRIMARY KEY, text text)');
await Promise.all(
  [...Array(100).keys()].map((n) => pool.query('INSERT INTO sums VALUES ($1, $2)', [n, 'x'.repeat(n)])),
);
const { rows } = await pool.query('SELECT sum(n)::int AS sum, sum(length(text))::int AS length FROM sums');
const large = await pool.query("SELECT n, repeat('y', 1000) AS text FROM generate_series(1, 5000) AS n");
const client = new pg.Client(options);
await client.connect();
await client.query('BEGIN');
await client.query('DELETE FROM sums');
await client.query('ROLLBACK');
const kept = await client.query('SELECT count(*)::int AS count FROM sums');
await client.query('LISTEN news');
const notification = once(client, 'notification');
await pool.query("NOTIFY news, 'good news'");
const [{ payload }] = await notification;
const error = await pool.query('SELECT nonsense').catch(({ code }) => code);
await client.end();
await pool.end();
say({ ...rows[0], rows: large.rows.length, kept: kept.rows[0].count, payload, error });
