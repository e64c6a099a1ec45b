// influx-write end to end into a real influxd against what one would use instead, on the same records. Each writes into a database
// of its own; `influx -import` gets line protocol that is made already. ROUNDS and LINES set the size.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, environment, goal, has, root, sumUp, table } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 5);
const count = Number(process.env.LINES ?? 200_000);
const here = join(root, 'tests/bench/influx');
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startInfluxd() {
  const [port, rpc] = [await freePort(), await freePort()];
  const config = join(folder, 'influxdb.conf');
  const path = (name) => JSON.stringify(join(folder, name));
  writeFileSync(
    config,
    `reporting-disabled = true\nbind-address = "127.0.0.1:${rpc}"\n[meta]\n dir = ${path('meta')}\n[data]\n dir = ${path('data')}
 wal-dir = ${path('wal')}\n query-log-enabled = false\n[http]\n bind-address = "127.0.0.1:${port}"\n log-enabled = false\n[monitor]\n store-enabled = false\n`,
  );
  const server = spawn('influxd', ['-config', config], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 400; i++) {
    if ((await fetch(`${url}/ping`).catch(() => undefined))?.status === 204) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { server, port, url };
}

const query = async (url, q) =>
  (await fetch(`${url}/query`, { method: 'POST', body: new URLSearchParams({ q, epoch: 'ms' }) })).json();

if (!has('influxd')) {
  console.log('left out: influxd is not installed');
} else {
  mkdirSync(join(folder, 'home'));
  const { server, port, url } = await startInfluxd();
  try {
    const generate = (name, ...args) => {
      execFileSync(process.execPath, [join(here, 'generate.mjs'), String(count), ...args], {
        stdio: ['ignore', openSync(join(folder, name), 'w'), 'inherit'],
      });
      return join(folder, name);
    };
    const records = generate('records.ndjson');
    const lines = generate('records.lp', 'lp', 'imported');
    const databases = ['ours', 'npm', 'curl', 'curl_gojq', 'imported', 'memory'];
    for (const name of databases) await query(url, `CREATE DATABASE ${name}`);
    const write = (db) => `influx-write --no-config --url ${url} --database ${db} < ${records}`;
    const curl = (jq, db) =>
      `${jq} -r -f ${join(here, 'line-protocol.jq')} ${records} | split -l 5000 --filter='curl -sS -o /dev/null --data-binary @- "${url}/write?db=${db}&precision=ms"'`;
    const rows = compare(
      [
        { name: 'influx-write', line: write('ours') },
        { name: 'jq | split | curl', needs: 'jq', line: curl('jq', 'curl') },
        { name: 'gojq | split | curl', needs: 'gojq', line: curl('gojq', 'curl_gojq') },
        { name: 'npm influx', line: `node ${join(here, 'npm-client.mjs')} ${port} npm < ${records}` },
        {
          name: 'influx -import',
          needs: 'influx',
          line: `influx -port ${port} -import -path=${lines} -precision=ms -pps 0`,
        },
      ],
      rounds,
    );
    table(`influx-write, ${count} records into influxd, ${rounds} rounds in turn; x = times the first row`, rows);
    for (const name of databases.filter((one) => one !== 'memory')) {
      const { results } = await query(url, `SELECT count(soc) FROM ${name}.autogen.vehicle_telemetry`);
      const stored = results?.[0]?.series?.[0]?.values?.[0]?.[1];
      if (stored !== undefined && stored !== count) throw new Error(`${name}: ${stored} of ${count} points`);
    }
    const goals = { 'jq | split | curl': [1.8, 1.8], 'npm influx': [1.5, 1.5], 'influx -import': [0.6, 0.7] };
    for (const row of rows.filter(({ name }) => name in goals)) {
      const [wanted, stretch] = goals[row.name];
      goal(
        `speed against ${row.name}`,
        `${row.wallRatio.toFixed(2)}x`,
        row.wallRatio >= wanted,
        `>= ${wanted}x, stretch ${stretch}x`,
      );
    }
    const { stderr } = spawnSync('/usr/bin/time', ['-f', '%M', 'bash', '-c', `exec ${write('memory')}`], {
      env: environment,
      encoding: 'utf8',
    });
    const memory = Number(stderr.trim().split('\n').at(-1)) / 1024;
    goal('memory', `${memory.toFixed(0)} MiB`, memory <= 150, '<= 150 MiB');
  } finally {
    await new Promise((resolve) => {
      server.once('exit', resolve);
      server.kill('SIGKILL');
    });
    rmSync(folder, { recursive: true, force: true });
  }
}
sumUp();
