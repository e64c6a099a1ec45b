import { explainSocket } from '../../transports/socket-failure.ts';
import { connectTcp } from '../../transports/tcp/client.ts';
import { frames } from './frames.ts';
import { type Link, LinkDown, verdictOf } from './link.ts';
import type { LinkSettings } from './settings.ts';
import { streamSession } from './stream.ts';
import { portOf } from './target.ts';

/** Portions of a stream: as large as a pipe, and so many that a distant far side is kept busy. */
export const streamLimits = { records: 1000, bytes: 64 * 1024 };
export const streamWindow = 16;

/** `tcp://host:port` and `tls://host:port`: records as a stream of bytes. */
export function tcpLink({ target, payload, opts, tls, clock }: LinkSettings): Link {
  const { url, shown } = target;
  const port = portOf(url, shown);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const frame = frames[opts.frame ?? 'lf'];
  return {
    name: shown,
    window: streamWindow,
    limits: streamLimits,
    keeps: true,
    async open(signal) {
      const connection = await connectTcp({
        host,
        port,
        tls: url.protocol === 'tls:' ? tls : undefined,
        timeoutMs: opts.readTimeout,
        signal,
        clock,
      }).catch((error: unknown) => {
        throw new LinkDown(verdictOf(explainSocket(error)));
      });
      return streamSession({
        stream: connection,
        frame: frame.bytes,
        head: payload.head,
        confirmed: opts.confirm === 'line',
        timeoutMs: opts.readTimeout,
        status: 'acknowledged',
        clock,
      });
    },
  };
}
