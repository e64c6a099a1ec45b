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

const streamed = ['frame', 'confirm'];
const login = ['header', 'headers', 'token', 'user', 'password'];

const tcp: Scheme = {
  form: 'tcp://HOST:PORT',
  delivered:
    "the kernel of the far side's machine has acknowledged it; the program there may still die before it reads it, which only --confirm line would tell",
  begins: true,
  options: streamed,
  link: tcpLink,
};

const http: Scheme = {
  form: 'http://HOST/PATH',
  delivered: 'the server has answered 2xx to the request that held it',
  begins: true,
  options: ['rejects', 'method', 'body', 'batch', 'gzip', ...login],
  link: httpLink,
};

const ws: Scheme = {
  form: 'ws://HOST/PATH',
  delivered:
    'the far side has answered a ping behind it, so that its WebSocket has read it; with --confirm line, it has answered with a message of its own',
  begins: false,
  options: ['rejects', ...streamed, ...login, 'subprotocol', 'ping'],
  link: webSocketLink,
};

/** The same over TLS. */
const secured = (form: string, plain: Scheme): Scheme => ({
  ...plain,
  form,
  options: [...plain.options, 'ca', 'cert', 'key', 'insecure'],
});

/** Every scheme that records can be sent by. A file beside this one and a line here make another. */
export const schemes = {
  tcp,
  tls: secured('tls://HOST:PORT', tcp),
  udp: {
    form: 'udp://HOST:PORT',
    delivered: 'the kernel has sent it; nobody can say whether it arrives',
    begins: false,
    options: ['frame', 'rejects'],
    link: udpLink,
  },
  http,
  https: secured('https://HOST/PATH', http),
  ws,
  wss: secured('wss://HOST/PATH', ws),
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
} satisfies Readonly<Record<string, Scheme>>;

/** The scheme of an address. */
export function schemeOf(url: URL): Scheme | undefined {
  const name = url.protocol.slice(0, -1);
  return Object.hasOwn(schemes, name) ? schemes[name as keyof typeof schemes] : undefined;
}
