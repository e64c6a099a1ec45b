// normalize against jq, gojq and Miller, and against a loop that only parses. The peers' programs do what `normalize --no-merge`
// does (tests/bench/normalize/same.mjs compares their output); normalize itself does more, it remembers each vehicle and writes
// whole snapshots. Whole processes behind a pipe; ROUNDS and LINES set the size. The goals are held against the processor's time of the
// command alone: on an idle machine that is the time on the wall, on a busy one the wall's clock measures the other work as well.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, goal, root, sumUp, table } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 5);
const count = Number(process.env.LINES ?? 200_000);
const here = join(root, 'tests/bench/normalize');
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));

/** CarData lines; `type` stands for one that normalize does not know. */
function write(name, type) {
  const text = execFileSync(process.execPath, [join(here, 'generate.mjs'), String(count)], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const file = join(folder, name);
  writeFileSync(file, type ? text.replaceAll('"type":"bmw_telematics"', `"type":"${type}"`) : text);
  return file;
}

try {
  const lines = write('cardata.ndjson');
  const foreign = write('foreign.ndjson', 'other_telematics');
  const behind = (file, command) => `cat ${file} | { time ${command} 2> /dev/null ; } | cat > /dev/null`;
  const parseLoop = `node ${join(here, 'parse-loop.mjs')}`;

  const rows = compare(
    [
      { name: 'normalize', line: behind(lines, 'normalize') },
      { name: 'normalize --no-merge', line: behind(lines, 'normalize --no-merge') },
      { name: 'parse loop', line: behind(lines, parseLoop) },
      { name: 'jq 1.6', needs: 'jq', line: behind(lines, `jq -c -f ${join(here, 'normalize.jq')}`) },
      { name: 'gojq', needs: 'gojq', line: behind(lines, `gojq -c -f ${join(here, 'normalize.jq')}`) },
      { name: 'mlr', needs: 'mlr', line: behind(lines, `mlr --jsonl put -q -f ${join(here, 'normalize.mlr')}`) },
    ],
    rounds,
  );
  table(`normalize, ${count} CarData lines, ${rounds} rounds in turn; x = times the first row`, rows);
  const goals = { 'jq 1.6': 12, gojq: 8, mlr: 4.5, 'parse loop': 0.45 };
  for (const row of rows.filter(({ name }) => name in goals)) {
    const wanted = goals[row.name];
    goal(`speed against ${row.name}`, `${row.cpuRatio.toFixed(2)}x`, row.cpuRatio >= wanted, `>= ${wanted}x`);
  }

  const passing = compare(
    [
      { name: 'normalize, nothing to change', line: behind(foreign, 'normalize') },
      { name: 'parse loop', line: behind(foreign, parseLoop) },
    ],
    rounds,
  );
  table('records that pass unchanged', passing);
  const ratio = passing[1].cpuRatio;
  goal('speed against the parse loop', `${ratio.toFixed(2)}x`, ratio >= 0.8, '>= 0.8x');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
sumUp();
