import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail } from './exit.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { inWords } from './system-error.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The one listener behind `--http`. */
export interface HttpListener {
  add(path: string, handler: Handler): void;
  /** `http://127.0.0.1:9100` */
  readonly url: string;
  close(): void;
}

/** `[host:]port`; the host is 127.0.0.1 unless given, `[::1]:9100` for IPv6. */
export function parseListen(text: string, flag: string, defaultHost = '127.0.0.1'): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw fail('usage', `${flag} '${text}': expected [host:]port`);
  return { host: match[1] ?? match[2] ?? defaultHost, port };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  answer(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

/** Serves `/healthz`, `/readyz`, `/metrics` and what commands add. */
export async function listenHttp(where: string, health: Health, metrics: Metrics): Promise<HttpListener> {
  const { createServer } = await import('node:http');
  const { host, port } = parseListen(where, '--http');
  const handlers = new Map<string, Handler>([
    [
      '/healthz',
      (_request, response) => {
        const stalled = health.stalled();
        answerJson(response, stalled.length === 0 ? 200 : 503, { ok: stalled.length === 0, stalled });
      },
    ],
    [
      '/readyz',
      (_request, response) => {
        const unready = health.unready();
        answerJson(response, unready.length === 0 ? 200 : 503, { ready: unready.length === 0, unready });
      },
    ],
    [
      '/metrics',
      async (_request, response) => {
        const { type, body } = await metrics.render();
        answer(response, 200, type, body);
      },
    ],
  ]);
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const handler = handlers.get(path);
    if (!handler) return answerJson(response, 404, { error: 'not found', paths: [...handlers.keys()] });
    handler(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(fail('unavailable', `--http ${where}: cannot listen: ${inWords(error)}`)),
    );
    server.listen(port, host, resolve);
  });
  // It serves the commands; it is no reason to go on without them.
  server.unref();
  const address = server.address() as AddressInfo;
  return {
    add: (path, handler) => void handlers.set(path, handler),
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
