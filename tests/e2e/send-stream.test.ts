import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { command } from '../../src/commands/send.ts';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { runCommand } from '../support/command.ts';
import { countTo, fedSink, linesOf, numbersIn, readings, until } from '../support/feed.ts';
import { freePort } from '../support/mosquitto.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const folder = temporaryFolder('send-stream');
const children: ChildProcess[] = [];
const servers: Server[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const server of servers) server.close();
});

const contentOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** socat with these addresses; resolves when it listens. */
async function socat(program: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, ['-d', '-d', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // A UDP receiver says no word before its first datagram but that it transfers.
  await until(() => /listening on|starting data transfer/.test(said), `socat ${args.join(' ')} listens`);
  return child;
}

interface Peer {
  port: number;
  /** What each connection brought. */
  connections: string[];
  sockets: Socket[];
  close(): Promise<void>;
}

/** A server in this process; `talk` is called with each connection. */
async function listen(talk: (socket: Socket, n: number) => void = () => {}, port = 0, read = true): Promise<Peer> {
  const connections: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const n = connections.push('') - 1;
    sockets.push(socket);
    socket.on('error', () => {});
    if (read) {
      socket.setEncoding('utf8').on('data', (text: string) => {
        connections[n] += text;
      });
    }
    talk(socket, n);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.resetAndDestroy();
      }),
  };
}

/** Answers each line with one, as a peer does that tells what it has read. */
const confirming = (limit = Number.POSITIVE_INFINITY) => {
  return (socket: Socket): void => {
    let lines = 0;
    socket.on('data', (text: string) => {
      for (const _ of text.matchAll(/\n/g)) if (++lines <= limit) socket.write('ok\n');
      if (lines > limit) socket.resetAndDestroy();
    });
  };
};

/** Answers one line after the other, this many milliseconds apart. */
const confirmingSlowly =
  (apart: number) =>
  (socket: Socket): void => {
    let lines = 0;
    let answered = 0;
    socket.on('data', (text: string) => {
      lines += text.split('\n').length - 1;
    });
    const timer = setInterval(() => {
      if (answered === lines) return;
      answered++;
      socket.write('ok\n');
    }, apart);
    socket.on('close', () => clearInterval(timer));
    socket.on('end', () => socket.end());
  };

/** All that came, each number where it first stood. */
const firsts = (peers: readonly Peer[]): number[] => [
  ...new Set(peers.flatMap(({ connections }) => connections).flatMap((text) => numbersIn(text))),
];

describe('TCP (ESP-72)', () => {
  test('socat gets every record, byte for byte, and each counts when its kernel has it', async (t: TestContext) => {
    const program = requireService(t, 'socat');
    if (!program) return;
    const port = await freePort();
    const out = join(folder, 'tcp.ndjson');
    await socat(program, ['-u', `TCP4-LISTEN:${port},bind=127.0.0.1`, `OPEN:${out},creat`]);
    const records = readings(5000);
    const got = await shell(`send tcp://127.0.0.1:${port} --receipts`, {
      env: cleanEnvironment(folder),
      stdin: linesOf(records),
    });
    assert.equal(got.status, 0, got.stderr);
    await until(() => contentOf(out).length === linesOf(records).length);
    assert.equal(contentOf(out), linesOf(records));
    const receipts = got.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { count: number; status: string });
    assert.equal(
      receipts.reduce((sum, { count }) => sum + count, 0),
      5000,
    );
    assert.ok(receipts.every(({ status }) => status === 'acknowledged'));
  });

  test('a peer that does not read is given up after --read-timeout; what it had not acknowledged goes to the next', async () => {
    const port = await freePort();
    const deaf = await listen((socket) => void socket.pause(), port, false);
    const sink = fedSink(command, {
      args: [`tcp://127.0.0.1:${port}`],
      flags: { readTimeout: '500ms', receipts: true },
    });
    // More than what both kernels hold.
    const records = readings(30, 0, { device_name: 'x'.repeat(500_000) });
    sink.put(...records);
    await until(() => deaf.sockets.length > 0);
    await until(() => sink.receipts.some(({ ok }) => ok === false), 'the loss');
    const safe = sink.receipts.filter(({ ok }) => ok).reduce((sum, { count }) => sum + Number(count), 0);
    assert.ok(safe < 30);
    await deaf.close();
    const next = await listen(undefined, port);
    sink.end();
    const { status, delivered, log } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 30);
    assert.deepEqual(firsts([next]), countTo(30).slice(safe));
    const said = log.filter((line) => !line.includes('debug'));
    assert.match(said[0]!, /nothing arrives there for 0\.5 s/);
    assert.match(said.at(-1)!, /is back \(after=/);
    await next.close();
  });

  test('with --confirm line nothing is lost though the peer dies with unread data; only the unconfirmed tail comes twice', async () => {
    const port = await freePort();
    const first = await listen(confirming(70), port);
    const sink = fedSink(command, { args: [`tcp://127.0.0.1:${port}`], flags: { confirm: 'line', receipts: true } });
    for (let i = 0; i < 20; i++) {
      sink.put(...readings(10, i * 10));
      await until(() => sink.receipts.length > 0 || first.connections.length === 0);
    }
    await until(() => first.sockets[0]?.destroyed === true, 'the loss');
    const confirmed = sink.receipts.filter(({ ok }) => ok).reduce((sum, { count }) => sum + Number(count), 0);
    await first.close();
    const second = await listen(confirming(), port);
    sink.end();
    const { status, delivered } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 200);
    assert.deepEqual(firsts([first, second]), countTo(200));
    const again = numbersIn(second.connections.join(''));
    assert.deepEqual(again, countTo(200).slice(again[0]));
    assert.ok(
      confirmed <= 70 && again[0]! >= Math.min(confirmed, 70),
      `${confirmed} confirmed, from ${again[0]} on again`,
    );
    await second.close();
  });

  test('--confirm line: a peer that confirms steadily is alive, however long all of it takes; nothing comes twice', async () => {
    const slow = await listen(confirmingSlowly(50));
    const { status, delivered, records, log } = await runCommand(command, {
      args: [`tcp://127.0.0.1:${slow.port}`],
      input: readings(80),
      flags: { confirm: 'line', readTimeout: '2s', receipts: true },
    });
    assert.deepEqual([status, delivered], [0, 80], log.join('\n'));
    assert.deepEqual(slow.connections.map(numbersIn), [countTo(80)]);
    const counts = records.map(({ count, status: word }) => [Number(count), word] as const);
    assert.equal(
      counts.reduce((sum, [count]) => sum + count, 0),
      80,
    );
    assert.ok(counts.length > 20 && counts.every(([, word]) => word === 'confirmed'));
  });

  test('--confirm line: what a peer confirmed before it closed never comes again', async () => {
    const peer = await listen((socket) => {
      let lines = 0;
      socket.on('data', (text: string) => {
        for (const _ of text.matchAll(/\n/g)) if (++lines <= 70) socket.write('ok\n');
        if (lines > 70) socket.end();
      });
      socket.on('end', () => socket.end());
    });
    const { status, delivered, log } = await runCommand(command, {
      args: [`tcp://127.0.0.1:${peer.port}`],
      input: readings(200),
      flags: { confirm: 'line' },
    });
    assert.deepEqual([status, delivered], [0, 200], log.join('\n'));
    assert.deepEqual(
      peer.connections.map((text) => numbersIn(text)[0]),
      [0, 70, 140],
    );
  });

  test('--confirm line: a greeting confirms nothing', async () => {
    const port = await freePort();
    const polite = await listen((socket) => void socket.write('220 hello\n'), port);
    const sink = fedSink(command, {
      args: [`tcp://127.0.0.1:${port}`],
      flags: { confirm: 'line', readTimeout: '500ms', receipts: true },
    });
    sink.put(...readings(1));
    await until(() => sink.receipts.length > 0, 'the loss');
    assert.deepEqual(
      sink.receipts.map(({ ok }) => ok),
      [false],
    );
    await polite.close();
    const next = await listen((socket) => {
      socket.write('220 hello\n');
      confirming()(socket);
    }, port);
    sink.put(...readings(4, 1));
    sink.end();
    const { status, delivered } = await sink.result;
    assert.deepEqual([status, delivered], [0, 5]);
    assert.deepEqual(firsts([next]), countTo(5));
    await next.close();
  });

  test('a peer that closes without having read everything is said in the end: 69', async () => {
    const rude = await listen((socket) => void socket.pause().once('end', () => {}), 0, false);
    const sink = fedSink(command, {
      args: [`tcp://127.0.0.1:${rude.port}`],
      flags: { readTimeout: '20s', receipts: true },
    });
    sink.put(...readings(3));
    await until(() => sink.receipts.length > 0);
    sink.end();
    setTimeout(() => rude.sockets[0]?.resetAndDestroy(), 50);
    const { status, error, delivered } = await sink.result;
    assert.equal(delivered, 3);
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /before it had said that it has read everything/);
  });

  test('a peer that closes its half from the start, as nc without input does, still gets everything', async () => {
    const half = await listen((socket) => void socket.end());
    const { status, delivered } = await runCommand(command, {
      args: [`tcp://127.0.0.1:${half.port}`],
      input: readings(3),
    });
    assert.equal(status, 0);
    assert.equal(delivered, 3);
    assert.deepEqual(firsts([half]), [0, 1, 2]);
  });

  test('frames and a table: the header comes once a connection', async () => {
    const peer = await listen();
    const flags = { payload: 'csv', columns: 'cycles,voltage', frame: 'crlf' };
    const { status } = await runCommand(command, { args: [`tcp://127.0.0.1:${peer.port}`], input: readings(2), flags });
    assert.equal(status, 0);
    assert.deepEqual(peer.connections, ['cycles,voltage\r\n0,13.2\r\n1,13.2\r\n']);
  });

  test('TLS: whom nobody knows is refused, --ca lets him in', async () => {
    const { ca, cert, key } = await serverCertificate();
    let seen = '';
    const server = createTlsServer({ cert, key }, (socket) => {
      socket.setEncoding('utf8').on('data', (text: string) => {
        seen += text;
      });
    });
    servers.push(server);
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `tls://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal((await runCommand(command, { args: [url], input: readings(1) })).status, 78);
    const file = join(folder, 'ca.pem');
    writeFileSync(file, ca);
    const { status, delivered } = await runCommand(command, { args: [url], input: readings(3), flags: { ca: file } });
    assert.equal(status, 0);
    assert.equal(delivered, 3);
    assert.deepEqual(numbersIn(seen), [0, 1, 2]);
  });
});

describe('UDP (ESP-72)', () => {
  test('socat gets a datagram a record; one that is too long is rejected and the others arrive', async (t: TestContext) => {
    const program = requireService(t, 'socat');
    if (!program) return;
    const port = await freePort();
    const out = join(folder, 'udp.ndjson');
    await socat(program, ['-u', '-b', '70000', `UDP4-RECV:${port},bind=127.0.0.1`, `OPEN:${out},creat`]);
    const records = [...readings(20), ...readings(1, 20, { device_name: 'x'.repeat(70_000) }), ...readings(20, 21)];
    const { status, delivered, log } = await runCommand(command, {
      args: [`udp://127.0.0.1:${port}`],
      input: records,
      flags: { frame: 'lf' },
    });
    assert.equal(status, 76);
    assert.equal(delivered, 41);
    assert.match(log.join('\n'), /longer than a datagram can be \(65507 bytes\)/);
    const wanted = countTo(41).filter((n) => n !== 20);
    await until(() => numbersIn(contentOf(out)).length >= wanted.length);
    assert.deepEqual(numbersIn(contentOf(out)), wanted);
  });

  test('a machine on which nobody listens is an outage; what comes after it arrives', async (t: TestContext) => {
    const program = requireService(t, 'socat');
    if (!program) return;
    const port = await freePort();
    const sink = fedSink(command, { args: [`udp://127.0.0.1:${port}`], flags: { receipts: true, frame: 'lf' } });
    sink.put(...readings(2));
    await until(() => sink.receipts.some(({ ok }) => ok === false), 'the complaint');
    const out = join(folder, 'udp2.ndjson');
    await socat(program, ['-u', `UDP4-RECV:${port},bind=127.0.0.1`, `OPEN:${out},creat`]);
    sink.put(...readings(2, 2));
    sink.end();
    const { status, delivered, log } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 4);
    await until(() => numbersIn(contentOf(out)).length >= 4);
    assert.deepEqual(numbersIn(contentOf(out)), [0, 1, 2, 3]);
    assert.match(log.join('\n'), /connection refused/);
  });
});
