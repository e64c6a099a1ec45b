import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { TlsOptions } from '../../transports/tls.ts';
import type { FrameName } from './frames.ts';
import type { Payload } from './payload.ts';
import type { Target } from './target.ts';

/** How a body of HTTP holds several records. */
export type HttpBody = 'ndjson' | 'array' | 'object';

/** What links look at of the command's options; undefined: the scheme's own default. */
export interface LinkOptions {
  frame: FrameName | undefined;
  confirm: 'none' | 'line' | undefined;
  readTimeout: number;
  method: 'POST' | 'PUT' | 'PATCH' | undefined;
  body: HttpBody | undefined;
  batch: number | undefined;
  gzip: boolean;
  header: readonly string[];
  subprotocol: readonly string[];
  ping: number;
  rotateSize: number | undefined;
  rotateEvery: 'day' | 'hour' | undefined;
  compress: boolean;
  keep: number | undefined;
  /** Milliseconds between two syncs of a file; 0: after every portion; undefined: never. */
  sync: number | undefined;
}

/** All that a link is made from. */
export interface LinkSettings {
  target: Target;
  payload: Payload;
  opts: LinkOptions;
  tls: TlsOptions;
  secrets: {
    user: string | undefined;
    password: string | undefined;
    token: string | undefined;
    /** Further headers, a line each. */
    headers: string | undefined;
  };
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** One owner of a thing. Rejects with exit status 75 when another process has it. */
  lock(name: string): Promise<() => Promise<void>>;
}
