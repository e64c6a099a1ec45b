// spool: records in and out a second, beside better-sqlite3 in WAL mode at the same durability and group size; recovery of 64 MiB; one
// fsync a commit group; memory with a large backlog. `cd tests/bench && npm install` gets the peer.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { environment, goal, has, median, peakMemory, root, sumUp } from './harness.mjs';

// On a real disk: /tmp may be memory.
const folder = mkdtempSync(join(process.env.VOLTPIPE_BENCH_DIR ?? '/var/tmp', 'voltpipe-bench-spool-'));
const records = 200_000;
const rounds = 5;

const line = (n) =>
  `${JSON.stringify({
    type: 'battery_reading',
    time: new Date(1.77e12 + n * 1000).toISOString(),
    device_id: 'AA:BB:CC:DD:EE:FF',
    device_name: 'BM6_Starter',
    device_type: 'bm6',
    vehicle_id: 'vehicle_1',
    vehicle_name: 'Golf',
    voltage: 12.61 + (n % 100) / 100,
    current: -1.25,
    state_of_charge: 81,
    temperature: 18.5,
    power: -15.8,
    cells: [3.301, 3.302, 3.299, 3.3],
    seq: n,
  })}\n`;

const input = join(folder, 'input.ndjson');
const file = openSync(input, 'w');
for (let n = 0; n < records; n += 1000) writeSync(file, Array.from({ length: 1000 }, (_, i) => line(n + i)).join(''));
closeSync(file);
console.log(`  ${records} records, ${Math.round(statSync(input).size / records)} bytes each; ${folder}`);

/** Seconds that a shell line takes. */
function seconds(script) {
  const began = process.hrtime.bigint();
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script], { env: environment, cwd: folder });
  if (status !== 0) throw new Error(`${script}: ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - began) / 1e9;
}

const perSecond = (time) => records / time;
const thousands = (value) => `${Math.round(value / 1000)} k/s`;

try {
  const into = [];
  const out = [];
  const both = [];
  for (let round = 0; round < rounds; round++) {
    rmSync(join(folder, 'd'), { recursive: true, force: true });
    into.push(perSecond(seconds('spool put d --sync 1s --max-bytes 1g < input.ndjson')));
    out.push(perSecond(seconds('spool get d > out.ndjson')));
    rmSync(join(folder, 'd'), { recursive: true, force: true });
    both.push(perSecond(seconds('spool d --sync 1s --max-bytes 1g < input.ndjson > out.ndjson')));
  }
  seconds('cmp input.ndjson out.ndjson');
  console.log('\nwhole commands, process start and all');
  goal('spool put --sync 1s, records in', thousands(median(into)), median(into) >= 250_000, '>= 250 k/s');
  goal('spool get, records out', thousands(median(out)), median(out) >= 250_000, '>= 250 k/s');
  console.log(`  through one process, in and out at once: ${thousands(median(both))}`);

  await besideSqlite();
  await recovery();
  fsyncs();
  await memory();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
sumUp();

/** The log of the spool as a module, to be measured without pipes and parsing, as the peer is. */
async function spoolModule() {
  const outfile = join(folder, 'spool.mjs');
  await build({
    stdin: {
      contents: `export { openSpool } from './src/spool/spool.ts'; export { disk } from './src/spool/disk.ts'; export { systemClock } from './src/runtime/clock.ts';`,
      resolveDir: root,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return await import(outfile);
}

/** The same groups, each durable before the next one: an append and an fsync, or a transaction with synchronous=FULL. */
async function besideSqlite() {
  const require = createRequire(join(root, 'tests/bench/package.json'));
  const peer = 'better-sqlite3';
  let Database;
  try {
    Database = require(peer);
  } catch {
    console.log('\n  left out: better-sqlite3 (cd tests/bench && npm install)');
    return;
  }
  const { openSpool, disk, systemClock } = await spoolModule();
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, lost() {}, recovered() {} };
  const lines = Array.from({ length: 50_000 }, (_, n) => line(n).trimEnd());

  const ours = async (group, count) => {
    const where = join(folder, 'ours');
    rmSync(where, { recursive: true, force: true });
    const spool = await openSpool(
      { folder: where, disk, clock: systemClock, log: quiet },
      { sync: 'always', maxBytes: 1 << 30, whenFull: 'block', order: 'fifo', keepSent: 0 },
    );
    const began = process.hrtime.bigint();
    for (let n = 0; n < count; n += group) {
      for (let i = 0; i < group; i++) spool.writer.append(lines[n + i]);
      await spool.writer.flush();
    }
    const written = Number(process.hrtime.bigint() - began) / 1e9;
    const { groups, syncs } = spool.writer.counts;
    const started = process.hrtime.bigint();
    let taken = 0;
    for (let chunk = await spool.feed.next(); chunk; chunk = await spool.feed.next()) {
      taken += chunk.lines;
      spool.keeper.delivered(chunk.first, chunk.last);
    }
    await spool.keeper.save();
    const drained = Number(process.hrtime.bigint() - started) / 1e9;
    await spool.close();
    if (taken !== count || syncs !== groups) throw new Error(`${taken} of ${count} taken, ${syncs} syncs of ${groups}`);
    return { write: count / written, drain: count / drained };
  };

  const sqlite = (group, count) => {
    const path = join(folder, 'peer.db');
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    const db = new Database(path);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE queue (seq INTEGER PRIMARY KEY, json TEXT NOT NULL)');
    const insert = db.prepare('INSERT INTO queue (json) VALUES (?)');
    const commit = db.transaction((n) => {
      for (let i = 0; i < group; i++) insert.run(lines[n + i]);
    });
    const began = process.hrtime.bigint();
    for (let n = 0; n < count; n += group) commit(n);
    const written = Number(process.hrtime.bigint() - began) / 1e9;
    const select = db.prepare('SELECT seq, json FROM queue WHERE seq > ? ORDER BY seq LIMIT 1000');
    const remove = db.prepare('DELETE FROM queue WHERE seq <= ?');
    const started = process.hrtime.bigint();
    for (let seq = 0, rows = select.all(0); rows.length > 0; rows = select.all(seq)) {
      seq = rows.at(-1).seq;
      remove.run(seq);
    }
    const drained = Number(process.hrtime.bigint() - started) / 1e9;
    db.close();
    return { write: count / written, drain: count / drained };
  };

  console.log(
    '\nbeside better-sqlite3, WAL, synchronous=FULL: durable records a second by group, then taken out and removed',
  );
  console.log(
    `  ${'group'.padEnd(8)} ${'spool'.padStart(12)} ${'sqlite'.padStart(12)} ${'ratio'.padStart(7)}   ${'spool out'.padStart(12)} ${'sqlite out'.padStart(12)} ${'ratio'.padStart(7)}`,
  );
  for (const [group, count] of [
    [1, 3000],
    [10, 20_000],
    [100, 50_000],
    [1000, 50_000],
  ]) {
    const pairs = [];
    for (let round = 0; round < rounds; round++) pairs.push([await ours(group, count), sqlite(group, count)]);
    const of = (pick) => median(pairs.map(pick));
    const ratio = of(([a, b]) => a.write / b.write);
    console.log(
      `  ${String(group).padEnd(8)} ${thousands(of(([a]) => a.write)).padStart(12)} ${thousands(of(([, b]) => b.write)).padStart(12)} ${ratio.toFixed(2).padStart(7)}   ${thousands(of(([a]) => a.drain)).padStart(12)} ${thousands(of(([, b]) => b.drain)).padStart(12)} ${of(
        ([a, b]) => a.drain / b.drain,
      )
        .toFixed(2)
        .padStart(7)}`,
    );
    goal(`group ${group}: durable records, x better-sqlite3`, ratio.toFixed(2), ratio >= 0.8, '>= 0.8');
  }
}

/** A full spool of the default size, its last line torn: until the first record is out. */
async function recovery() {
  rmSync(join(folder, 'd'), { recursive: true, force: true });
  seconds('spool put d --sync never < input.ndjson');
  const logs = readdirSync(join(folder, 'd')).filter((name) => name.endsWith('.log'));
  const size = logs.reduce((sum, name) => sum + statSync(join(folder, 'd', name)).size, 0);
  const times = [];
  for (let round = 0; round < rounds; round++) {
    seconds(`printf 'torn' >> d/${logs.at(-1)}`);
    const child = spawn(process.execPath, [join(root, 'bin/spool.js'), 'd'], {
      cwd: folder,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const began = process.hrtime.bigint();
    await new Promise((resolve) => child.stdout.once('data', resolve));
    times.push(Number(process.hrtime.bigint() - began) / 1e9);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    rmSync(join(folder, 'd', 'cursor.json'), { force: true });
    rmSync(join(folder, 'd', 'cursor.now'), { force: true });
  }
  console.log(`\nrecovery of ${(size / 1024 ** 2).toFixed(0)} MiB in ${logs.length} segments`);
  goal(
    'from exec to the first record, torn end and all',
    `${median(times).toFixed(2)} s`,
    median(times) <= 1,
    '<= 1 s',
  );
}

/** Counted by the kernel, where strace is there. */
function fsyncs() {
  if (!has('strace'))
    return console.log(
      '\n  left out: fsync counted by strace (not installed); above, the spool itself counted one a group',
    );
  rmSync(join(folder, 'd'), { recursive: true, force: true });
  const trace = join(folder, 'trace');
  seconds(
    `head -n 2000 input.ndjson | while IFS= read -r l; do echo "$l"; done | strace -f -e trace=fdatasync,fsync -o ${trace} node ${root}/bin/spool.js put d --sync always`,
  );
  const calls = readFileSync(trace, 'utf8').match(/fdatasync\(/g)?.length ?? 0;
  console.log(`\n  fdatasync calls for 2000 records that came one by one: ${calls}`);
}

/** Peak of a spool whose sink takes nothing, and of one that delivers all that. */
async function memory() {
  console.log('\nmemory with a backlog of a gigabyte');
  rmSync(join(folder, 'd'), { recursive: true, force: true });
  const deaf = spawn(
    'bash',
    [
      '-c',
      `for i in $(seq 17); do cat input.ndjson; done | exec node ${root}/bin/spool.js d --max-bytes 2g --sync never -- bash -c 'echo 0 >&$VOLTPIPE_ACK_FD; exec sleep 600'`,
    ],
    {
      cwd: folder,
      env: environment,
      stdio: 'ignore',
      detached: true,
    },
  );
  const size = () =>
    readdirSync(join(folder, 'd')).reduce(
      (sum, name) => sum + (statSync(join(folder, 'd', name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  const spoolPid = () =>
    spawnSync('bash', ['-c', `pgrep -g ${deaf.pid} -f 'spool.js d'`], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
      .at(-1);
  let peak = 0;
  for (let i = 0; i < 1200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const pid = spoolPid();
    if (pid && existsSync(`/proc/${pid}/status`)) peak = Math.max(peak, peakMemory(pid));
    if (existsSync(join(folder, 'd')) && size() > 950 * 1024 ** 2) break;
  }
  const backlog = size() / 1024 ** 2;
  process.kill(-deaf.pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 300));
  goal(
    `peak, ${backlog.toFixed(0)} MiB that the sink does not take`,
    `${peak.toFixed(0)} MiB`,
    peak <= 120 && backlog > 900,
    '<= 120 MiB',
  );
  const drain = spawn(process.execPath, [join(root, 'bin/spool.js'), 'get', 'd'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let highest = 0;
  const watch = setInterval(() => {
    if (existsSync(`/proc/${drain.pid}/status`)) highest = Math.max(highest, peakMemory(drain.pid));
  }, 50);
  await new Promise((resolve) => drain.once('exit', resolve));
  clearInterval(watch);
  goal('peak while it is delivered', `${highest.toFixed(0)} MiB`, highest > 0 && highest <= 120, '<= 120 MiB');
}
