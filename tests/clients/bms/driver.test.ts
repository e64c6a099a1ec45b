import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../../src/commands/bms-read.ts';
import { runCommand } from '../../support/command.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../../support/shell.ts';

/** A block of VE.Direct text with its checksum. */
function block(lines: Record<string, string>): Buffer {
  const text = Object.entries(lines)
    .map(([label, value]) => `\r\n${label}\t${value}`)
    .join('');
  const bytes = Buffer.from(`${text}\r\nChecksum\t\0`, 'latin1');
  bytes[bytes.length - 1] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** A device that speaks by itself, as a Victron monitor does. */
async function talker(t: { after(fn: () => void): void }, blocks: readonly Buffer[]): Promise<string> {
  const server = createServer((socket) => {
    let n = 0;
    const timer = setInterval(() => socket.write(blocks[n++ % blocks.length]!), 20);
    socket.on('close', () => clearInterval(timer)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `tcp://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const good = block({ PID: '0xA389', V: '26201', I: '-1500', SOC: '876', T: '---', AR: '4', FW: '0413' });
const broken = Buffer.from(good);
broken[20] = broken[20]! ^ 1;

test('a driver that does not speak on the way that was named is called by its name (64)', async () => {
  const { status, error } = await runCommand(command, {
    flags: { ble: '50:54:7B:00:00:02', driver: 'examples/drivers/ve-direct.mjs' },
  });
  assert.equal(status, 64);
  assert.equal(error?.message, '--driver examples/drivers/ve-direct.mjs: does not speak Bluetooth');
});

test('the example of a driver reads a device that speaks by itself, and its broken blocks are never published', async (t) => {
  const port = await talker(t, [good.subarray(30), broken, good]);
  const result = await runCommand(command, { flags: { port, driver: 'examples/drivers/ve-direct.mjs' } });
  assert.equal(result.status, 0, result.log.join('\n'));
  const [{ type, device_type, time, device_id, ...fields } = {} as Record<string, unknown>] = result.records;
  assert.equal(type, 'battery_reading');
  assert.equal(device_type, 've-direct');
  assert.deepEqual(fields, {
    voltage: 26.201,
    current: -1.5,
    power: -39.3,
    state_of_charge: 87.6,
    alarms: ['low_state_of_charge'],
    alarm_flags: 4,
    firmware: '0413',
  });
});

test('the built command loads it as well', async (t) => {
  const port = await talker(t, [good]);
  const { status, stdout, stderr } = await shell(
    `bms-read --port ${port} --driver examples/drivers/ve-direct.mjs --once`,
    {
      env: cleanEnvironment(temporaryFolder('driver')),
    },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(JSON.parse(stdout).voltage, 26.201);
});

test('a driver that is not there, does not load or lacks something says what, with exit status 78', async () => {
  const folder = temporaryFolder('drivers');
  const cases: [name: string, text: string | undefined, why: RegExp][] = [
    ['gone.mjs', undefined, /gone\.mjs: no such file/],
    ['broken.mjs', 'export const codec = {', /broken\.mjs: does not load: /],
    ['other.mjs', 'export const driver = {};', /exports no 'codec'/],
    [
      'lacking.mjs',
      "export const codec = { name: 'x', family: 'x', parser() {}, reading: {} };",
      /codec\.reading\.requests is no function/,
    ],
    [
      'pushed.mjs',
      "export const codec = { name: 'x', family: 'x', parser() {}, reading: { requests() {}, decode() {} }, timing: { response: 1, gap: 1, torn: 1 }, serial: {}, pushed: { what: 'x' } };",
      /codec\.pushed\.accepts is no function/,
    ],
    [
      'nowhere.mjs',
      "export const codec = { name: 'x', family: 'x', parser() {}, reading: { requests() {}, decode() {} }, timing: { response: 1, gap: 1, torn: 1 } };",
      /neither 'serial' nor 'gatt'/,
    ],
  ];
  for (const [name, text, why] of cases) {
    const file = join(folder, name);
    if (text !== undefined) writeFileSync(file, text);
    const result = await runCommand(command, { flags: { port: 'tcp://127.0.0.1:1', driver: file } });
    assert.equal(result.status, 78, name);
    assert.match(result.error!.message, why);
  }
});
