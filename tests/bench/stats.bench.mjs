// stats against jq, gojq and `mlr stats1`. The programs of jq compute most of what stats does (same.mjs compares the figures), `mlr
// stats1` counts, extremes and means alone. Whole processes behind a pipe; ROUNDS and LINES set the size.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, environment, goal, has, root, sumUp, table } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 5);
const count = Number(process.env.LINES ?? 100_000);
const here = join(root, 'tests/bench/stats');
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));
const shell = (line) =>
  execFileSync('bash', ['-o', 'pipefail', '-c', line], { encoding: 'utf8', maxBuffer: 1 << 30, env: environment });

try {
  const lines = join(folder, 'readings.ndjson');
  writeFileSync(lines, shell(`node ${join(here, 'generate.mjs')} ${count}`));
  const behind = (command) => `cat ${lines} | ${command} | cat > /dev/null`;
  const jq = (program, pass) => `${program} -n -c --arg pass ${pass} -f ${join(here, 'stats.jq')}`;
  const stats1 =
    'stats1 -a count,min,max,mean -f voltage,current,power,state_of_charge,cell_delta,temperature -g device_id';

  if (has('jq')) {
    writeFileSync(join(folder, 'ours'), shell(`stats --only battery_stats --every 10000d < ${lines}`));
    writeFileSync(join(folder, 'theirs'), shell(`${jq('jq', 0)} < ${lines}`));
    shell(`node ${join(here, 'same.mjs')} ${join(folder, 'ours')} ${join(folder, 'theirs')}`);
    console.log('  stats and stats.jq say the same figures');
  }

  const alone = compare(
    [
      { name: 'stats --only battery_stats', line: behind('stats --only battery_stats') },
      { name: 'jq', needs: 'jq', line: behind(jq('jq', 0)) },
      { name: 'gojq', needs: 'gojq', line: behind(jq('gojq', 0)) },
      { name: 'mlr stats1', needs: 'mlr', line: behind(`mlr --jsonl ${stats1}`) },
    ],
    rounds,
  );
  table(`stats alone, ${count} readings, ${rounds} rounds in turn; x = times the first row`, alone);
  for (const { name, wallRatio } of alone.filter(({ name }) => ['jq', 'mlr stats1'].includes(name)))
    goal(`speed against ${name}`, `${wallRatio.toFixed(2)}x`, wallRatio >= 8, '>= 8x');

  const passing = compare(
    [
      { name: 'stats', line: behind('stats') },
      { name: 'jq', needs: 'jq', line: behind(jq('jq', 1)) },
      { name: 'gojq', needs: 'gojq', line: behind(jq('gojq', 1)) },
      { name: 'mlr stats1', needs: 'mlr', line: behind(`mlr --jsonl tee /dev/stdout then ${stats1}`) },
    ],
    rounds,
  );
  table('readings pass, too', passing);
  for (const { name, wallRatio } of passing.filter(({ name }) => ['jq', 'mlr stats1'].includes(name)))
    goal(`speed against ${name}, passing on`, `${wallRatio.toFixed(2)}x`, wallRatio >= 5, '>= 5x');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
sumUp();
