// A function in Bun: a map of the load time, timers, a hash, a server and its client.
import { openSync, writeSync } from 'node:fs';

const answers = openSync('/dev/fd/3', 'w');
const counted = new Map();

async function body(n) {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response(`order ${n}`) });
  try {
    return await (await fetch(server.url)).text();
  } finally {
    await server.stop(true);
  }
}

if (process.env.OW_WAIT_FOR_ACK !== undefined) writeSync(answers, '{"ok":true}\n');
for await (const line of console) {
  const { n } = JSON.parse(line).value;
  for (let i = 0; i < n; i++) counted.set(`word ${i % 3}`, (counted.get(`word ${i % 3}`) ?? 0) + 1);
  await Bun.sleep(1);
  const hash = new Bun.CryptoHasher('sha256').update(String(n)).digest('hex');
  const answer = { counted: Object.fromEntries(counted), hash, body: await body(n) };
  writeSync(answers, `${JSON.stringify(answer)}\n`);
}
