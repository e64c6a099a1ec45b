import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceFlow, logIn, reactionTo } from '../../../src/clients/bmw/device-flow.ts';
import type { DeviceCode, OAuthAnswer } from '../../../src/clients/bmw/oauth.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { HttpFailure } from '../../../src/transports/http/failure.ts';
import { type FakeClock, fakeClock } from '../../support/clock.ts';
import { vectorsIn } from '../../support/ndjson.ts';
import { answer, clientId, gcid } from './support.ts';

const vectors = vectorsIn<{ name: string; status: number; json: object | null; expect: string }>(
  'bmw/oauth-poll.ndjson',
);

for (const { name, status, json, expect } of vectors) {
  test(`the answer "${name}" means ${expect} (BMW-45)`, () => {
    assert.equal(reactionTo(answer(status, json ?? {})), expect);
  });
}

const tokens = answer(200, { access_token: 'a', refresh_token: 'r', id_token: 'i', gcid, expires_in: 3599 });
const pending = answer(403, { error: 'authorization_pending' });
const slowDown = answer(400, { error: 'slow_down' });
const denied = answer(403, { error: 'access_denied' });
const burnt = answer(500, { fault: { detail: { errorcode: 'keymanagement.service.invalid_access_token' } } });
const down = new HttpFailure('network', 'POST', 'https://bmw.example/', 'connection refused');

/** A login against scripted answers; the last one repeats. Before there is a code, `device` decides what becomes of the request. */
function scripted(polls: readonly (OAuthAnswer | Error)[], device?: (clock: FakeClock) => Promise<void>) {
  const clock: FakeClock = fakeClock();
  const notes: [number, string][] = [];
  const codes: DeviceCode[] = [];
  const asked: number[] = [];
  const script = [...polls];
  const flow: DeviceFlow = {
    clock,
    signal: new AbortController().signal,
    onCode: (code) => void codes.push(code),
    onNote: (text) => void notes.push([clock.monotonic(), text]),
    oauth: {
      async device() {
        await device?.(clock);
        const code = {
          device_code: `device-${codes.length + 1}`,
          user_code: 'dEmOcOdE',
          verification_uri: 'https://bmw.example/link',
          expires_in: 300,
          interval: 5,
          verifier: 'v',
        };
        return { ...answer(200), code };
      },
      async poll() {
        asked.push(clock.monotonic());
        const next = script.length > 1 ? script.shift() : script[0];
        if (next instanceof Error) throw next;
        return next as OAuthAnswer;
      },
      refresh: async () => pending,
    },
  };
  const result = logIn(clientId, flow).then(
    (value) => ({ tokens: value, error: undefined }),
    (error: CommandError) => ({ tokens: undefined, error }),
  );
  return { clock, codes, asked, notes, result };
}

test('polls at the interval until the user has approved (BMW-44, BMW-45)', async () => {
  const { clock, asked, result, codes } = scripted([pending, pending, tokens]);
  await clock.advance(60_000);
  assert.equal((await result).tokens?.gcid, gcid);
  assert.deepEqual(asked, [5000, 10_000, 15_000]);
  assert.equal(codes[0]?.user_code, 'dEmOcOdE');
});

test('slow_down makes the interval five seconds longer for good', async () => {
  const { clock, asked, result } = scripted([slowDown, pending, slowDown, pending, tokens]);
  await clock.advance(120_000);
  await result;
  assert.deepEqual(asked, [5000, 15_000, 25_000, 40_000, 55_000]);
});

test('access_denied is believed only when it lasts two minutes', async () => {
  const early = scripted([denied, denied, denied, tokens]);
  await early.clock.advance(60_000);
  assert.ok((await early.result).tokens);

  const late = scripted([denied]);
  await late.clock.advance(300_000);
  const { error } = await late.result;
  assert.equal(error?.status, 77);
  assert.equal(late.asked.at(-1), 125_000);
});

test('a code that the gateway has burnt is replaced by a new one, three times at most', async () => {
  const { clock, codes, result } = scripted([burnt, tokens]);
  await clock.advance(60_000);
  assert.ok((await result).tokens);
  assert.deepEqual(
    codes.map((code) => code.device_code),
    ['device-1', 'device-2'],
  );

  const always = scripted([burnt]);
  await always.clock.advance(60_000);
  assert.equal((await always.result).error?.status, 69);
  assert.equal(always.codes.length, 3);
});

test('an outage of server and network in the middle is waited out', async () => {
  const { clock, result } = scripted([down, answer(503), answer(429), down, tokens]);
  await clock.advance(120_000);
  assert.ok((await result).tokens);
});

test('a code that nobody approves runs out after its time, with exit status 77', async () => {
  const { clock, result, asked } = scripted([pending]);
  await clock.advance(400_000);
  const { error } = await result;
  assert.equal(error?.status, 77);
  assert.match(error?.message ?? '', /ran out/);
  assert.ok((asked.at(-1) ?? 0) < 300_000);
});

test('a wrong client id ends at once, with 77 and the next step', async () => {
  const { clock, result, asked } = scripted([answer(401, { error: 'invalid_client', error_description: 'unknown' })]);
  await clock.advance(10_000);
  const { error } = await result;
  assert.ok(error instanceof CommandError);
  assert.equal(error.status, 77);
  assert.match(error.message, /invalid_client: unknown/);
  assert.match(error.next ?? '', /client id/);
  assert.equal(asked.length, 1);
});

test('a network that is not there is told at once and with each further attempt, and ends with 69', async () => {
  const { clock, notes, result } = scripted([], () => Promise.reject(down));
  await clock.advance(0);
  assert.match(notes[0]?.[1] ?? '', /^device code: .*connection refused; again in 2 s$/);
  await clock.advance(60_000);
  assert.equal((await result).error?.status, 69);
  assert.equal(notes.length, 4);
});

test('a server that is silent is told of after two seconds, one that answers is not', async () => {
  const { clock, notes, result } = scripted([tokens], (turning) => turning.sleep(30_000));
  await clock.advance(60_000);
  await result;
  assert.deepEqual(notes, [[2000, "BMW's server has not answered yet; waiting"]]);
});
