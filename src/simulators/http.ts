import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server of a simulator. */
export interface SimulatorServer {
  /** `http://127.0.0.1:40001` */
  readonly url: string;
  readonly port: number;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** Answers one request whose body has been read. A throw is answered with 500 and its message. */
export type SimulatorHandler = (request: SimulatorRequest, response: ServerResponse) => void | Promise<void>;

/** A request in the parts that a handler needs. */
export interface SimulatorRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** The raw body, read as UTF-8. */
  body: string;
  /** The raw body. */
  bytes: Buffer;
}

const bodyLimit = 32 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Answers with JSON; `undefined` is an answer without a body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (body === undefined) response.writeHead(status, headers).end();
  else response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** `[::1]` where an address needs brackets in a URL. */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Listens on `host`; port 0 takes a free one. */
export async function serveHttp(host: string, port: number, handler: SimulatorHandler): Promise<SimulatorServer> {
  const server: Server = createServer(async (request, response) => {
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://simulator');
      const bytes = await readBody(request);
      const body = bytes.toString('utf8');
      const { method = 'GET', headers } = request;
      await handler({ method, path: pathname, query: searchParams, headers, body, bytes }, response);
    } catch (error) {
      if (!response.headersSent) sendJson(response, 500, { error: (error as Error).message });
      else response.destroy();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(host)}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
