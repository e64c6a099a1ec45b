import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { backgroundPipeline } from '../support/background.ts';
import { until } from '../support/feed.ts';
import { freePort } from '../support/mosquitto.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';
import { logText } from '../support/spool.ts';

/** A server that takes what is posted, and can go away between two requests. */
function ingest(port: number) {
  const taken: number[] = [];
  let server: Server | undefined;
  return {
    taken,
    async open(): Promise<void> {
      server = createServer(async (request, response) => {
        let body = '';
        for await (const part of request.setEncoding('utf8')) body += part;
        taken.push(...[...body.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n)));
        response.writeHead(204).end();
      });
      await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve));
    },
    /** What has begun is answered first. */
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server!.close(() => resolve());
        server!.closeIdleConnections();
      }),
  };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

test('through an outage and a restart in the midst of it every record arrives: none is missing, none comes twice (ESP-69, ESP-92)', async (t) => {
  const port = await freePort();
  const server = ingest(port);
  const cwd = temporaryFolder('spool-exact');
  const env = cleanEnvironment(cwd);
  /** A source that gives these records and lives on. */
  const start = (from: number, to: number) => {
    const source = `(for i in $(seq ${from} ${to}); do echo '{"type":"x","n":'$i'}'; sleep 0.002; done; exec sleep 600)`;
    const running = backgroundPipeline(`cd ${cwd}; ${source} | spool d -- send http://127.0.0.1:${port}/in`, env);
    t.after(() => running.stop('SIGKILL'));
    return running;
  };
  const isKept = (n: number): boolean => logText(join(cwd, 'd')).includes(`"n":${n}}`);

  await server.open();
  const first = start(1, 300);
  await until(() => server.taken.length >= 50, 'the first records');
  await server.close();
  const before = server.taken.length;
  await until(() => isKept(300), 'what comes during the outage is kept');
  assert.ok(before < 300, 'the outage came in the midst of it');
  await first.stop('SIGTERM');
  const second = start(301, 400);
  await until(() => isKept(400), 'and what comes after the restart');
  assert.equal(server.taken.length, before);
  await server.open();
  await until(() => server.taken.length >= 400, 'all have arrived');
  await second.stop('SIGTERM');
  await server.close();
  assert.deepEqual(server.taken, upTo(400));
});
