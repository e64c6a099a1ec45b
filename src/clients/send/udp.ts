import { explainSocket, SocketFailure } from '../../transports/socket-failure.ts';
import { openUdp } from '../../transports/udp/client.ts';
import { frames } from './frames.ts';
import { type Link, LinkDown, type Verdict, verdictOf } from './link.ts';
import type { LinkSettings } from './settings.ts';
import { portOf } from './target.ts';

/** A machine on which nobody listens says so after the first datagram, if it says anything. */
const complaintWait = 50;
const limits = { records: 64, bytes: 256 * 1024 };

/** `udp://host:port`: one datagram a record. */
export function udpLink({ target, opts, clock }: LinkSettings): Link {
  const { url, shown } = target;
  const port = portOf(url, shown);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const frame = frames[opts.frame ?? 'none'];
  return {
    name: shown,
    window: 1,
    limits,
    keeps: false,
    async open() {
      const socket = await openUdp(host, port).catch((error: unknown) => {
        throw new LinkDown(verdictOf(explainSocket(error)));
      });
      let failure: SocketFailure | undefined;
      let proven = false;
      void socket.failed.then((why) => {
        failure = why;
      });

      const send = async (payloads: readonly string[]): Promise<void> => {
        const datagrams = payloads.map((payload) => frame.bytes([payload]));
        // Looked at before the first goes: what is sent again in pieces must not have been sent before.
        if (datagrams.some((datagram) => datagram.length > socket.longest)) {
          throw new SocketFailure('tooLarge', `longer than a datagram can be (${socket.longest} bytes)`);
        }
        for (const datagram of datagrams) await socket.send(datagram);
        if (!proven) await clock.sleep(complaintWait);
        if (failure) throw failure;
        proven = true;
      };

      return {
        lost: socket.failed.then(({ message }) => message),
        async deliver({ payloads }): Promise<Verdict> {
          try {
            await send(payloads);
            return { kind: 'delivered', status: 'sent' };
          } catch (error) {
            return verdictOf(explainSocket(error));
          }
        },
        async end() {
          socket.close();
          return undefined;
        },
        abandon: () => socket.close(),
      };
    },
  };
}
