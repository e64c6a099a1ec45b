import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../src/transports/http/failure.ts';
import { explainMqtt } from '../../src/transports/mqtt/failure.ts';
import { explainSocket } from '../../src/transports/socket-failure.ts';

const withCode = (code: string): Error => Object.assign(new Error(`connect ${code} 192.0.2.1:80`), { code });

/** Each transport's own account of a code: its kind and the words. */
const accounts: Readonly<Record<string, (code: string) => readonly [kind: string, words: string]>> = {
  socket: (code) => {
    const { kind, message } = explainSocket(withCode(code));
    return [kind, message];
  },
  http: (code) => {
    const { code: kind, reason } = explain(withCode(code), 'POST', new URL('http://192.0.2.1/'));
    return [kind, reason];
  },
  mqtt: (code) => {
    const { kind, reason } = explainMqtt(withCode(code));
    return [kind, reason];
  },
};

for (const [name, account] of Object.entries(accounts)) {
  test(`${name}: what the system says of a connection is said in words`, () => {
    for (const code of [
      ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'],
      ...['ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EADDRNOTAVAIL', 'ENOBUFS', 'EMFILE'],
    ]) {
      const [, words] = account(code);
      assert.match(words, /^[a-z]+ [a-z ]+/, `${code}: ${words}`);
    }
    assert.deepEqual(account('EHOSTDOWN'), ['network', 'host is down']);
    assert.deepEqual(account('EXDEV'), ['network', 'EXDEV'], 'what has no words keeps its code');
  });
}

test('what speaks for being offline is told from a far side that is away, and a time-out from both', () => {
  for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ENETDOWN']) {
    assert.deepEqual([accounts.socket!(code)[0], accounts.mqtt!(code)[0]], ['offline', 'offline'], code);
    assert.equal(accounts.http!(code)[0], 'network');
  }
  for (const account of Object.values(accounts)) assert.equal(account('ETIMEDOUT')[0], 'timeout');
});
