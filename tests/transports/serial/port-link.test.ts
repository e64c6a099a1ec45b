import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { LinkError, LinkFailure } from '../../../src/transports/link.ts';
import { parseAddress } from '../../../src/transports/serial/address.ts';
import { openSerial } from '../../../src/transports/serial/open.ts';
import { type OpenPort, portLink } from '../../../src/transports/serial/port-link.ts';
import { background } from '../../support/background.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { requireService } from '../../support/services.ts';
import { cleanEnvironment, temporaryFolder } from '../../support/shell.ts';

/** A port whose calls the test answers, or leaves unanswered. */
function heldUp() {
  const called: string[] = [];
  const answers = new Map<string, () => void>();
  let ended: (why: Error | null) => void = () => {};
  const call =
    (name: string) =>
    (...args: unknown[]): void => {
      called.push(name);
      answers.set(name, () => (args.at(-1) as (error: null) => void)(null));
    };
  const port: OpenPort = {
    isOpen: true,
    on(event: string, fn: (of: never) => void) {
      if (event === 'close') ended = fn as (why: Error | null) => void;
    },
    write: (_bytes, done) => done(null),
    drain: call('drain'),
    flush: call('flush'),
    close: call('close'),
  };
  return { port, called, answer: (name: string) => answers.get(name)!(), ends: (why: Error | null) => ended(why) };
}

const outcomes = (promise: Promise<void>) => {
  const seen: { done?: true; failure?: LinkFailure } = {};
  promise.then(
    () => {
      seen.done = true;
    },
    ({ failure }: LinkError) => {
      seen.failure = failure;
    },
  );
  return seen;
};

test('a port whose bytes are out is closed without throwing anything away', async () => {
  const { port, called, answer } = heldUp();
  const clock = fakeClock();
  const link = portLink(port, 'test', clock);
  const sent = outcomes(link.send(Uint8Array.of(1)));
  await settle();
  answer('drain');
  await settle();
  assert.deepEqual(sent, { done: true });
  const closed = outcomes(link.close());
  await settle();
  answer('close');
  await settle();
  assert.deepEqual(closed, { done: true });
  assert.deepEqual(called, ['drain', 'close']);
  assert.equal(clock.waiting, 0);
});

test('bytes that are held up are thrown away by a close, which ends then', async () => {
  const { port, called, answer } = heldUp();
  const link = portLink(port, 'test', fakeClock());
  const sent = outcomes(link.send(Uint8Array.of(1)));
  await settle();
  const closed = outcomes(link.close());
  await settle();
  assert.deepEqual(called, ['drain', 'flush'], 'the port is not closed before they are gone');
  answer('flush');
  await settle();
  answer('close');
  await settle();
  assert.deepEqual(closed, { done: true });
  assert.deepEqual(sent.failure, { kind: 'closed', reason: 'the port was closed' });
});

test('a port that can not be closed is left after two seconds, and what waits for it ends', async () => {
  for (const stuck of ['flush', 'close']) {
    const { port, called, answer } = heldUp();
    const clock = fakeClock();
    const link = portLink(port, 'test', clock);
    const sent = outcomes(link.send(Uint8Array.of(1)));
    await settle();
    const both = [outcomes(link.close()), outcomes(link.close())];
    await settle();
    if (stuck === 'close') answer('flush');
    await clock.advance(1999);
    assert.deepEqual(both, [{}, {}]);
    await clock.advance(1);
    assert.deepEqual(both, [{ done: true }, { done: true }]);
    assert.equal(sent.failure?.kind, 'closed');
    assert.equal(await link.closed, undefined);
    assert.equal(called.at(-1), stuck);
  }
});

test('a line that is held up blocks one thread, however often is written', async () => {
  const { port, called, answer, ends } = heldUp();
  const link = portLink(port, 'test', fakeClock());
  const sent = [1, 2, 3].map((byte) => outcomes(link.send(Uint8Array.of(byte))));
  await settle();
  assert.deepEqual(called, ['drain']);
  answer('drain');
  await settle();
  assert.deepEqual(sent, [{ done: true }, {}, {}]);
  ends(new Error('gone'));
  await settle();
  assert.deepEqual(
    sent.slice(1).map(({ failure }) => failure?.kind),
    ['unplugged', 'unplugged'],
  );
});

/** A pseudo-terminal whose other side reads nothing more once its pipe is full. */
async function deafPort(t: TestContext): Promise<string | undefined> {
  if (!requireService(t, 'socat')) return undefined;
  const home = temporaryFolder('deaf');
  const path = `${home}/tty`;
  const socat = background(
    ['socat', '-u', `pty,rawer,link=${path}`, `SYSTEM:echo there; exec sleep 60 >/dev/null 2>&1,pipes`],
    cleanEnvironment(home),
    home,
    true,
  );
  t.after(() => socat.stop());
  return path;
}

test('a real port that takes no more bytes is closed all the same', async (t) => {
  const path = await deafPort(t);
  if (path === undefined) return;
  const settings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
  const host = { clock: systemClock, signal: new AbortController().signal, lock: async () => async () => {} };
  const link = await openWhenThere(() => openSerial(parseAddress(path), settings, host));
  const sent = outcomes(link.send(Buffer.alloc(1_000_000)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(sent, {}, 'it is held up');
  await link.close();
  await settle();
  assert.equal(sent.failure?.kind, 'closed');
  assert.equal(await link.closed, undefined);
});

async function openWhenThere<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
