import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Codec,
  type CodecOptions,
  type Frame,
  isRejection,
  type Request,
} from '../../../src/protocols/bms/codec.ts';
import { a5Request } from '../../../src/protocols/bms/daly-a5-frames.ts';
import { hex } from '../../../src/protocols/bms/framing.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';
import { jbdRequest } from '../../../src/protocols/bms/jbd-frames.ts';
import { moduleRequest, veiled } from '../../../src/protocols/bms/jbd-module.ts';
import { modbusRequest } from '../../../src/protocols/bms/modbus.ts';
import { bytesOf, commandVectors, vectorsOf } from '../../support/bms-vectors.ts';

const dangerous = new Set(commandVectors().flatMap(({ danger, hex: bytes }) => (danger ? [bytes] : [])));
const commandsOf = (name: string) => commandVectors().filter(({ codec }) => codec === name);

/** All that a codec asks when a recorded device answers. */
function asked(codec: Codec, options: CodecOptions = {}): Request[] {
  const vectors = vectorsOf(codec.name);
  const answer = (request: Request): Frame[] => {
    const chunks = vectors.flatMap(({ exchanges }) => exchanges.flatMap(({ response }) => response.map(bytesOf)));
    const parser = codec.parser(options);
    return chunks.flatMap((chunk) => parser.push(chunk).frames).filter((frame) => request.accepts(frame));
  };
  const list = (codec.probes?.(options) ?? []).map(({ request }) => request);
  for (const task of [codec.reading, codec.info, codec.history]) {
    const requests = task?.requests(options)[Symbol.iterator]();
    for (let step = requests?.next([]); step && !step.done && list.length < 500; ) {
      list.push(step.value);
      step = requests?.next(answer(step.value));
    }
  }
  return list;
}

for (const codec of codecs) {
  test(`${codec.name}: nothing that it asks changes the device`, () => {
    const requests = asked(codec);
    assert.ok(requests.length > 0);
    for (const { what, bytes, writes } of requests) {
      assert.ok(what.length > 0 && writes === undefined, what);
      assert.ok(!dangerous.has(hex(bytes ?? new Uint8Array(0))), what);
    }
  });

  test(`${codec.name}: requests that switch something say that they write`, () => {
    for (const charge of [true, false, undefined]) {
      for (const discharge of [true, false, undefined]) {
        const change = { ...(charge !== undefined && { charge }), ...(discharge !== undefined && { discharge }) };
        const requests = codec.switching?.(change, {}, {}) ?? [];
        assert.ok(!isRejection(requests));
        for (const { what, writes } of requests) assert.equal(writes, true, what);
      }
    }
  });
}

test('jbd: requests are the documented bytes', () => {
  const vectors = commandsOf('jbd');
  assert.ok(vectors.length > 10);
  for (const { name, hex: bytes } of vectors) {
    const [, kind, register = 0, , ...rest] = bytesOf(bytes);
    assert.equal(hex(jbdRequest(register, rest.slice(0, -3), kind === 0x5a)), bytes, name);
  }
});

const written = (requests: ReturnType<NonNullable<Codec['switching']>>): string[] =>
  isRejection(requests) ? [`${requests.detail}`] : requests.map(({ bytes }) => hex(bytes!));

test('jbd: both switches go in one request, the other one locked only if it was', () => {
  const jbd = codecs.find(({ name }) => name === 'jbd')!;
  const sent = (change: object, now: object) => written(jbd.switching!(change, now, {}));
  assert.deepEqual(sent({ charge: true, discharge: true }, {}), ['dd5ae1020000ff1d77']);
  assert.deepEqual(sent({ charge: false }, { discharge_enabled: true }), ['dd5ae1020001ff1c77']);
  const locked = { discharge_enabled: false, switch_locked: true };
  assert.deepEqual(sent({ charge: false }, locked), ['dd5ae1020003ff1a77']);
  // A protection has it open, nobody locked it.
  assert.deepEqual(sent({ charge: false }, { discharge_enabled: false }), ['dd5ae1020001ff1c77']);
  assert.deepEqual(sent({ discharge: true }, { charge_enabled: false }), ['dd5ae1020000ff1d77']);
  assert.deepEqual(sent({ discharge: false }, { charge_enabled: true }), ['dd5ae1020002ff1b77']);
  // One is locked, the other held open by a protection, and nobody can tell which.
  const unclear = { charge_enabled: false, discharge_enabled: false, switch_locked: true };
  assert.match(sent({ charge: true }, unclear).join(), /say both --charge and --discharge/);
  assert.deepEqual(sent({ charge: true, discharge: false }, unclear), ['dd5ae1020002ff1b77']);
});

test('jbd: the password of a Bluetooth module goes out as recorded, and nothing is asked without one', () => {
  const jbd = codecs.find(({ name }) => name === 'jbd')!;
  const vector = vectorsOf('jbd').find(({ name }) => name === 'jbd-auth-flow-213ah')!;
  const options = { address: vector.address!, password: '123123' };
  const parser = jbd.parser(options);
  const requests = jbd.opening!(options)[Symbol.iterator]();
  const sent: string[] = [];
  for (let step = requests.next([]); !step.done; ) {
    const request = step.value;
    const bytes = hex(request.bytes!);
    sent.push(bytes);
    const { response } = vector.exchanges.find((exchange) => exchange.request === bytes)!;
    const frames = response.flatMap((chunk) => parser.push(bytesOf(chunk)).frames);
    assert.ok(frames.every((frame) => request.accepts(frame)));
    assert.equal(request.refusal?.(frames), undefined);
    step = requests.next(frames);
  }
  assert.deepEqual(
    sent,
    vector.exchanges.slice(0, 3).map(({ request }) => request),
  );
  const withoutPassword = jbd.opening!({ address: vector.address! })[Symbol.iterator]();
  assert.equal(withoutPassword.next([]).done, true);

  // The root level is not needed for reading; the arithmetic is the same.
  const mac = [...bytesOf('a4c137005e07'), 0, 0, 0, 0, 0, 0, 0, 0, 0];
  assert.equal(hex(moduleRequest(0x1d, veiled('JBDbtpwd!@#2023', mac, 0x37))), vector.exchanges[3]!.request);
});

test('jbd: requests to the Bluetooth module are the documented bytes', () => {
  for (const { name, hex: bytes } of commandsOf('jbd-ble')) {
    const [, , command = 0, , ...rest] = bytesOf(bytes);
    assert.equal(hex(moduleRequest(command, rest.slice(0, -1))), bytes, name);
  }
});

test('daly: requests are the documented bytes', () => {
  const a5 = commandsOf('daly-a5');
  assert.ok(a5.length > 15);
  for (const { name, hex: bytes } of a5) {
    const [, address = 0, command = 0, , first = 0, , , , , , , last = 0] = bytesOf(bytes);
    const board = address >= 0x80 ? address - 0x7f : address - 0x3f;
    const options = { board, host: address >= 0x80 ? 0x80 : 0x40 };
    // Setting the clock has seven bytes of data: no request of ours.
    if (command === 0x21) continue;
    const made = last === 0xaa ? a5Request(command, options) : a5Request(command, { ...options, fill: 0 }, first);
    assert.equal(hex(made), bytes, name);
  }
  for (const { name, hex: bytes } of [...commandsOf('daly-d2'), ...commandsOf('daly-p81')]) {
    const request = bytesOf(bytes);
    const made = modbusRequest(request[0]!, request.readUInt16BE(2), request.readUInt16BE(4), request[1] === 6);
    assert.equal(hex(made), bytes, name);
  }
});

test('daly-a5: a search asks in four ways, on a bus fifteen more boards, and with a number that one alone', () => {
  const a5 = codecs.find(({ name }) => name === 'daly-a5')!;
  const heads = (options: CodecOptions) =>
    a5.probes!(options).map(({ request, late }) => `${hex(request.bytes!.subarray(1, 5))}${late ? ' late' : ''}`);
  const ways = ['409008aa', '40900800', '809008aa', '80900800 late'];
  assert.deepEqual(heads({}).slice(0, 4), ways);
  assert.equal(heads({}).length, 4 + 15);
  assert.equal(heads({}).at(-1), '4f9008aa late');
  assert.deepEqual(heads({ board: 1 }), ways);
  assert.deepEqual(heads({ board: 3 }), ['429008aa', '42900800']);
  assert.deepEqual(heads({ address: '17:71:06:02:0D:D1' }), ways, 'behind a Bluetooth module there is no bus');
});

test('daly: the register that holds the pairing password is never asked for', () => {
  const password = commandVectors().find(({ name }) => name === 'read password')!.hex;
  for (const codec of codecs.filter(({ family }) => family === 'daly')) {
    for (const { bytes } of asked(codec)) assert.notEqual(hex(bytes!), password);
  }
});
