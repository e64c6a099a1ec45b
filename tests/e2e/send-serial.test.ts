import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { portSettingsOf } from '../../src/clients/send/serial.ts';
import { command } from '../../src/commands/send.ts';
import { runCommand } from '../support/command.ts';
import { countTo, fedSink, numbersIn, readings, until } from '../support/feed.ts';
import { requireService } from '../support/services.ts';
import { temporaryFolder } from '../support/shell.ts';

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Cable {
  /** What came out at the other end. */
  text(): string;
  unplug(): Promise<void>;
}

/** A serial line: what is written to `near` comes out at the far end. */
async function plugIn(program: string, near: string): Promise<Cable> {
  const far = `${near}-far`;
  const child = spawn(program, [`PTY,link=${near},raw,echo=0`, `PTY,link=${far},raw,echo=0`], { stdio: 'ignore' });
  children.push(child);
  await until(() => existsSync(near) && existsSync(far), 'the line');
  let text = '';
  const reader = createReadStream(far, { encoding: 'utf8' });
  reader.on('data', (part) => {
    text += part;
  });
  reader.on('error', () => {});
  return {
    text: () => text,
    async unplug() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      reader.destroy();
      await until(() => !existsSync(near), 'unplugged');
    },
  };
}

describe('a serial line (ESP-46)', () => {
  test('the records come out at the other end as lines', async (t: TestContext) => {
    const program = requireService(t, 'socat');
    if (!program) return;
    const near = join(temporaryFolder('serial'), 'tty');
    const cable = await plugIn(program, near);
    const { status, delivered, records } = await runCommand(command, {
      args: [`serial://${near}?baud=9600`],
      input: readings(50),
      flags: { receipts: true },
    });
    assert.equal(status, 0);
    assert.equal(delivered, 50);
    assert.ok(records.every((receipt) => receipt.status === 'sent'));
    await until(() => numbersIn(cable.text()).length === 50);
    assert.deepEqual(numbersIn(cable.text()), countTo(50));
    await cable.unplug();
  });

  test('one that is unplugged is waited for; what comes then is in order', async (t: TestContext) => {
    const program = requireService(t, 'socat');
    if (!program) return;
    const near = join(temporaryFolder('serial'), 'tty');
    const sink = fedSink(command, { args: [`serial://${near}`], flags: { receipts: true } });
    sink.put(...readings(5));
    const first = await plugIn(program, near);
    await until(() => numbersIn(first.text()).length === 5);
    await first.unplug();
    sink.put(...readings(5, 5));
    const second = await plugIn(program, near);
    await until(() => numbersIn(second.text()).length >= 5);
    sink.end();
    const { status, delivered, log } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 10);
    const came = numbersIn(second.text());
    assert.deepEqual(came.slice(-5), [5, 6, 7, 8, 9]);
    assert.match(log.join('\n'), /no such port|the port is gone/);
    await second.unplug();
  });

  test('the address says how the port is set; what it does not know is refused', async () => {
    assert.deepEqual(portSettingsOf(new URL('serial:///dev/ttyUSB0')), {
      baudRate: 115_200,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
    });
    assert.deepEqual(portSettingsOf(new URL('serial:///dev/x?baud=9600&parity=even&databits=7&stopbits=2')), {
      baudRate: 9600,
      dataBits: 7,
      parity: 'even',
      stopBits: 2,
    });
    for (const query of ['baud=fast', 'speed=9600', 'parity=mark']) {
      const { status } = await runCommand(command, { args: [`serial:///dev/x?${query}`], input: readings(1) });
      assert.equal(status, 64, query);
    }
    const { status, error } = await runCommand(command, {
      args: ['serial:///dev/nonexistent'],
      input: readings(1),
      flags: { retryFor: '0' },
    });
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /no such port/);
  });
});
