import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commands, groups } from '../src/commands/index.ts';
import type { Example } from '../src/runtime/command.ts';
import { type Background, background } from './support/background.ts';
import { requireService } from './support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from './support/shell.ts';

const loaded = await Promise.all(commands.map(async ({ load }) => (await load()).command));

describe('every example of every manual runs', () => {
  const home = temporaryFolder('examples');
  const config = join(home, 'config.yaml');
  const env = cleanEnvironment(home, { VOLTPIPE_CONFIG: config });
  const simulators: Background[] = [];

  before(async () => {
    for (const peer of [['bmw', '--approve-after', '0', '--speed-up', '600'], ['abrp'], ['influx'], ['jbd'], ['bm6']]) {
      const simulator = background(['simulate', ...peer, '--write-config', config], cleanEnvironment(home));
      simulators.push(simulator);
      await simulator.line((line) => line.type === 'endpoint');
    }
    const login = await shell('bmw-login', { env, limit: 30_000 });
    assert.equal(login.status, 0, login.stderr);
  });
  after(() => Promise.all(simulators.map((simulator) => simulator.stop())));

  for (const { name, examples } of [...loaded, ...groups]) {
    for (const example of examples) {
      test(`${name}: ${example.text}`, { skip: example.notRun ?? false }, async (t) => {
        if (example.needs?.includes('bluetooth') && !requireService(t, 'socat')) return;
        await runExample(example, home, env);
      });
    }
  }
});

async function runExample(example: Example, home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const needsConfig = (example.needs ?? []).length > 0;
  const { VOLTPIPE_CONFIG, ...bare } = env;
  const interrupt = example.interruptAfter;
  const got = await shell(
    example.prepare ? `{ ${example.prepare}; } > /dev/null; ${example.command}` : example.command,
    {
      cwd: temporaryFolder('example'),
      env: needsConfig ? { ...bare, VOLTPIPE_CONFIG } : { ...bare, VOLTPIPE_DATA_DIR: join(home, 'empty') },
      ...(example.stdin === undefined ? {} : { stdin: example.stdin }),
      ...(interrupt === undefined ? {} : { interruptAfter: interrupt * 1000 }),
      limit: 60_000,
    },
  );
  if (interrupt === undefined) assert.equal(got.status, example.status ?? 0, `exit status; stderr: ${got.stderr}`);
  else
    assert.ok(
      got.signal === 'SIGINT' || got.status === 130,
      `ended by ${got.signal ?? got.status}; stderr: ${got.stderr}`,
    );
  if (example.stdout !== undefined) assert.equal(got.stdout.trim(), example.stdout.trim(), `stderr: ${got.stderr}`);
}
