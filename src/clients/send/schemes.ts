import { fileLink } from './file.ts';
import { httpLink } from './http.ts';
import type { Link } from './link.ts';
import { serialLink } from './serial.ts';
import type { LinkSettings } from './settings.ts';
import { tcpLink } from './tcp.ts';
import { udpLink } from './udp.ts';
import { webSocketLink } from './websocket.ts';

/** One scheme of an address. */
export interface Scheme {
  /** How an address looks. */
  form: string;
  /** What "delivered" means: when a record counts as safe. A phrase. */
  delivered: string;
  /** Whether there is a beginning, of a connection, a request or a file, for names of columns to stand at. */
  begins: boolean;
  /** The options that mean something here, of those that do not mean something everywhere. */
  options: readonly string[];
  link(settings: LinkSettings): Link;
}

const trust = ['ca', 'cert', 'key', 'insecure'];
const streamed = ['frame', 'confirm'];
const http = ['rejects', 'method', 'body', 'batch', 'gzip', 'header', 'headers', 'token', 'user', 'password'];
const webSocket = [
  'rejects',
  'frame',
  'confirm',
  'header',
  'headers',
  'token',
  'user',
  'password',
  'subprotocol',
  'ping',
];

const acknowledged =
  "the kernel of the far side's machine has acknowledged it; the program there may still die before it reads it, which only --confirm line would tell";
const answered = 'the server has answered 2xx to the request that held it';
const pinged =
  'the far side has answered a ping behind it, so that its WebSocket has read it; with --confirm line, it has answered with a message of its own';

/** Every scheme that records can be sent by. A file beside this one and a line here make another. */
export const schemes = {
  tcp: { form: 'tcp://HOST:PORT', delivered: acknowledged, begins: true, options: streamed, link: tcpLink },
  tls: {
    form: 'tls://HOST:PORT',
    delivered: acknowledged,
    begins: true,
    options: [...streamed, ...trust],
    link: tcpLink,
  },
  udp: {
    form: 'udp://HOST:PORT',
    delivered: 'the kernel has sent it; nobody can say whether it arrives',
    begins: false,
    options: ['frame', 'rejects'],
    link: udpLink,
  },
  http: { form: 'http://HOST/PATH', delivered: answered, begins: true, options: http, link: httpLink },
  https: { form: 'https://HOST/PATH', delivered: answered, begins: true, options: [...http, ...trust], link: httpLink },
  ws: { form: 'ws://HOST/PATH', delivered: pinged, begins: false, options: webSocket, link: webSocketLink },
  wss: {
    form: 'wss://HOST/PATH',
    delivered: pinged,
    begins: false,
    options: [...webSocket, ...trust],
    link: webSocketLink,
  },
  serial: {
    form: 'serial:///dev/TTY?baud=N',
    delivered: 'the port has sent its last bit; with --confirm line, the far side has answered',
    begins: true,
    options: streamed,
    link: serialLink,
  },
  file: {
    form: 'file:///PATH',
    delivered: 'the disk has it (fdatasync), every --sync; with --sync never, the kernel has it',
    begins: true,
    options: ['frame', 'rotateSize', 'rotateEvery', 'compress', 'keep', 'sync'],
    link: fileLink,
  },
} as const satisfies Record<string, Scheme>;

/** The scheme of an address. */
export function schemeOf(url: URL): Scheme | undefined {
  const name = url.protocol.slice(0, -1);
  return name in schemes ? schemes[name as keyof typeof schemes] : undefined;
}
