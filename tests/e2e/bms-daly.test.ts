import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRegistry } from '../../src/registry/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { background } from '../support/background.ts';
import { type BoardLine, startDaly } from '../support/bms-line.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const environment = (more: Record<string, string> = {}) => cleanEnvironment(temporaryFolder('daly'), more);

/** Boards that don't answer as most do, as `simulate daly` makes them, and how each of their questions begins. */
const odd = [
  { flags: '--host-address 80', daly: { host: 0x80 }, asked: /^a580/ },
  { flags: '--fill 00', daly: { fill: 0 }, asked: /^a540..080{16}/ },
  { flags: '--host-address 80 --fill 00', daly: { host: 0x80, fill: 0 }, asked: /^a580..080{16}/ },
] as const;

/** The questions that were answered last are all asked the way that the board wants. */
function assertAsked({ line }: BoardLine, from: number, asked: RegExp): void {
  const questions = line.requests().slice(from);
  assert.ok(questions.length > 0 && questions.every((one) => asked.test(one)), questions.join(' '));
}

for (const { flags, daly, asked } of odd) {
  for (const type of ['daly-a5', 'daly']) {
    test(`a Daly board that is simulated with ${flags} is found with --type ${type}`, async (t) => {
      const env = environment();
      const board = background(['simulate', 'daly', '--cells', '7', ...flags.split(' ')], env);
      t.after(() => board.stop());
      const { url } = await board.line(({ type: of }) => of === 'endpoint');
      const { status, stdout, stderr } = await shell(`bms-read --port ${url} --type ${type}`, { env });
      assert.equal(status, 0, stderr);
      const reading = JSON.parse(stdout);
      assert.equal(reading.cells.length, 7);
      assert.equal(reading.current, -12.3);
    });
  }

  test(`such a board (${flags}) is found once by --registry, and asked so in each round`, async (t) => {
    const board = await startDaly(t, daly, { latency: 1 });
    const { env, id } = await registered(board);
    const fleet = background(['bms-read', '--registry', '--no-initial-scan'], env);
    t.after(() => fleet.stop());
    const round = async (n: number): Promise<void> => {
      const readings = () => fleet.lines.filter((line) => (line as { type?: string }).type === 'battery_reading');
      await fleet.line(() => readings().length >= n);
    };
    await round(1);
    const before = board.line.requests().length;
    await round(2);
    assertAsked(board, before, asked);
    assert.equal((await fleet.line(({ type }) => type === 'battery_reading')).device_id, id);
  });

  test(`such a board (${flags}) is asked the same way after an outage, with --interval`, async (t) => {
    const board = await startDaly(t, daly, { latency: 1 });
    const reader = background(
      ['bms-read', '--port', board.line.url, '--type', 'daly-a5', '-i', '200ms'],
      environment(),
    );
    t.after(() => reader.stop());
    await reader.line(() => reader.lines.length >= 1);
    const before = board.line.requests().length;
    const sofar = reader.lines.length;
    board.line.hangUp();
    await reader.line(() => reader.lines.length >= sofar + 2 && /readings are back/.test(reader.stderr()));
    assertAsked(board, before, asked);
  });
}

/** A registry with one board, of which the family is known, and what leads to it. */
async function registered({ line }: BoardLine) {
  const dataDir = join(temporaryFolder('daly'), 'data');
  const registry = openRegistry({ dataDir, clock: systemClock });
  const id = await registry.addDevice({ port: line.url, device_type: 'daly' }, { polling_interval: 1 });
  return { id, env: environment({ VOLTPIPE_DATA_DIR: dataDir }) };
}
