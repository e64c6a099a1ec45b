import { CommandError, exit, fail } from '../../runtime/exit.ts';
import { LinkError, type Link as Port } from '../../transports/link.ts';
import { parseAddress } from '../../transports/serial/address.ts';
import { openSerial } from '../../transports/serial/open.ts';
import type { PortSettings } from '../../transports/serial/port.ts';
import { SocketFailure } from '../../transports/socket-failure.ts';
import { frames } from './frames.ts';
import { type BadVerdict, type Link, LinkDown } from './link.ts';
import type { LinkSettings } from './settings.ts';
import { type ByteStream, streamSession } from './stream.ts';

/** Little enough that a slow line makes progress to be seen: 2 s at 9600 baud. */
const limits = { records: 100, bytes: 2048 };

/** What the query of the address sets, with the value that holds unless said. */
const line = {
  baud: { values: /^[1-9]\d{1,6}$/, usual: '115200' },
  databits: { values: /^[78]$/, usual: '8' },
  parity: { values: /^(none|even|odd)$/, usual: 'none' },
  stopbits: { values: /^[12]$/, usual: '1' },
} as const;

/** How the port is set, out of `?baud=9600&parity=even`. Throws exit status 64. */
export function portSettingsOf(url: URL): PortSettings {
  for (const [key, value] of url.searchParams) {
    const known = line[key as keyof typeof line];
    if (!known?.values.test(value)) {
      throw fail(
        'usage',
        `serial: ${key}=${value}: expected ${Object.keys(line).join(', ')}`,
        'As serial:///dev/ttyUSB0?baud=9600&parity=none.',
      );
    }
  }
  const of = (key: keyof typeof line): string => url.searchParams.get(key) ?? line[key].usual;
  return {
    baudRate: Number(of('baud')),
    dataBits: Number(of('databits')) as 7 | 8,
    parity: of('parity') as PortSettings['parity'],
    stopBits: Number(of('stopbits')) as 1 | 2,
  };
}

/** `serial:///dev/ttyUSB0?baud=9600`: records as a stream of bytes. */
export function serialLink({ target, payload, opts, clock, signal, lock }: LinkSettings): Link {
  const settings = portSettingsOf(target.url);
  const address = parseAddress(decodeURIComponent(target.url.pathname));
  const frame = frames[opts.frame ?? 'lf'];
  return {
    name: target.shown,
    window: 4,
    limits,
    keeps: true,
    async open() {
      const port = await openSerial(address, settings, { clock, signal, lock }).catch((error: unknown) => {
        throw error instanceof CommandError ? new LinkDown(verdictOf(error)) : error;
      });
      return streamSession({
        stream: streamOf(port),
        frame: frame.bytes,
        head: payload.head,
        confirmed: opts.confirm === 'line',
        timeoutMs: opts.readTimeout,
        status: 'sent',
        clock,
      });
    },
  };
}

/** A port that is not there may be plugged in; one that another program has open may become free; rights don't come by waiting. */
function verdictOf({ status, message, next }: CommandError): BadVerdict {
  const said = next === undefined ? message : `${message}. ${next.replace(/\.$/, '')}`;
  return { kind: status === exit.noPermission ? 'refused' : 'later', status: 'closed', message: said };
}

function streamOf(port: Port): ByteStream {
  let given: SocketFailure | undefined;
  return {
    async write(bytes) {
      await port.send(bytes).catch((error: unknown) => {
        throw error instanceof LinkError ? new SocketFailure('closed', error.failure.reason) : error;
      });
    },
    // The port says when the last bit is out; who hears it there it can't say.
    unacknowledged: async () => undefined,
    onData: (fn) => port.onData(fn),
    onEnd() {},
    end: () => void port.close(),
    destroy(why) {
      given ??= why;
      void port.close();
    },
    closed: port.closed.then((why) => given ?? (why && new SocketFailure('closed', why.reason))),
  };
}
