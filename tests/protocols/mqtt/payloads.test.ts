import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitValues, toRecordPayload, toWirePayload, unwrap } from '../../../src/protocols/mqtt/payloads.ts';
import { topicFault } from '../../../src/protocols/mqtt/topics.ts';
import { writePublish } from '../../../src/transports/mqtt/packets.ts';

const message = (rest: object) => ({ type: 'mqtt_message', topic: 't', ...rest });

test('a payload becomes an object, text or base64, and goes back to the same bytes', () => {
  for (const [bytes, record] of [
    ['{"a":1}', { payload: { a: 1 } }],
    ['[1,2]', { payload: [1, 2] }],
    ['12.50', { payload: '12.50' }],
    ['PRESS', { payload: 'PRESS' }],
    ['{broken', { payload: '{broken' }],
    ['', { payload: '' }],
    [Buffer.from([0xff, 0xfe]), { payload: '//4=', encoding: 'base64' }],
  ] as const) {
    const buffer = Buffer.from(bytes as string);
    assert.deepEqual(toRecordPayload(buffer), record);
    const back = toWirePayload(message(record));
    assert.ok('bytes' in back);
    assert.deepEqual(Buffer.from(back.bytes as string), buffer);
  }
});

test('any bytes survive the way through a record, but for white space in JSON', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const record = toRecordPayload(Buffer.from(bytes));
      if (typeof record.payload === 'object') return;
      const back = toWirePayload(message(record));
      assert.ok('bytes' in back);
      assert.deepEqual(Buffer.from(back.bytes as string), Buffer.from(bytes));
    }),
  );
});

test('what can not be a payload is told', () => {
  for (const rest of [{}, { payload: null }, { payload: 'ä', encoding: 'base64' }, { payload: 'x', encoding: 'hex' }]) {
    assert.ok('fault' in toWirePayload(message(rest)), JSON.stringify(rest));
  }
  assert.deepEqual(toWirePayload(message({ payload: false })), { bytes: 'false' });
});

test('only a JSON object is unwrapped; anything else says what it is', () => {
  assert.deepEqual(unwrap(Buffer.from('{"type":"command"}')), { record: { type: 'command' } });
  for (const [bytes, fault] of [
    ['PRESS', 'not JSON'],
    ['', 'empty'],
    ['12', 'JSON, but not an object'],
    ['null', 'JSON, but not an object'],
    [Buffer.from([0x80]), 'not UTF-8'],
  ] as const) {
    assert.deepEqual(unwrap(Buffer.from(bytes as string)), { fault });
  }
});

test('values one by one are plain text; what names the record is in the topic', () => {
  const record = { type: 'battery_reading', time: 't', device_id: 'x', voltage: 12.5, cells: [3.3, 3.4], on: true };
  assert.deepEqual(splitValues(record), [
    ['time', 't'],
    ['voltage', '12.5'],
    ['cells', '[3.3,3.4]'],
    ['on', 'true'],
  ]);
});

test('a PUBLISH is what mqtt-packet makes of it, for every length and both versions', async () => {
  const { generate } = (await import('mqtt-packet')).default;
  const topics = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }).filter((topic) => !topicFault(topic));
  fc.assert(
    fc.property(
      topics,
      fc.oneof(fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), fc.constant('x'.repeat(20_000))),
      fc.constantFrom(0, 1),
      fc.boolean(),
      fc.constantFrom(4, 5),
      fc.integer({ min: 1, max: 65_535 }),
      (topic, content, qos, retain, version, messageId) => {
        const payload = typeof content === 'string' ? content : Buffer.from(content);
        const into = Buffer.alloc(70_000);
        const end = writePublish(into, 3, { topic, payload, qos: qos as 0 | 1, retain }, messageId, version as 4 | 5);
        const wanted = generate({ cmd: 'publish', topic, payload, qos: qos as 0 | 1, retain, dup: false, messageId }, {
          protocolVersion: version,
        } as never);
        assert.deepEqual(into.subarray(3, end), wanted);
      },
    ),
  );
});
