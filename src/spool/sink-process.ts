import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import { longestLine } from '../runtime/ndjson.ts';

/** How a sink ended. */
export interface SinkEnd {
  status: number | null;
  signal: string | null;
  /** It could not be started: `ENOENT`. */
  failed?: string;
}

/** What a sink tells. */
export interface SinkEvents {
  /** The first `count` lines are delivered. The first call, with 0, is the promise that there will be more. */
  onAcknowledged(count: number): void;
  /** It is a filter, which can't acknowledge. */
  onFilter(): void;
  /** It printed a line. With a promise it is not read on until that resolves. */
  onLine(text: string): Promise<void> | undefined;
  /** It wrote a line that is longer than any should be: 1 MiB of its output, far less where it acknowledges. That is left out. */
  onTooLong(where: 'output' | 'acknowledgement'): void;
}

/** A program that takes records on its stdin. */
export interface SinkProcess {
  /** Resolves with true when the pipe has taken all of it, with false when nobody reads any longer. */
  write(bytes: Buffer): Promise<boolean>;
  /** Gives up on a write that waits, and on all to come. */
  abandon(): void;
  /** No more records come. */
  end(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended and all that it said has been heard. */
  readonly ended: Promise<SinkEnd>;
}

type Spawn = (argv: readonly string[], options?: SpawnOptions) => ChildProcess;

/** Something else may hold the sink's stdout or descriptor when it has ended; that is waited for no longer. */
const hearOutFor = 1000;
/** The descriptor on which a sink acknowledges, as it sees it. */
const ackFd = 3;

/** No word on the acknowledgement descriptor is longer, by far. */
const longestWord = 64;

/**
 * Splits what comes into lines, one after the other.
 *
 * @param longest a line of more characters is left out, without being held
 * @param onTooLong is told of each of those
 */
async function eachLine(
  stream: Readable,
  longest: number,
  take: (line: string) => Promise<void> | undefined,
  onTooLong: () => void,
): Promise<void> {
  let rest = '';
  let tooLong = false;
  const add = (text: string): void => {
    if (!tooLong) rest += text;
    if (rest.length <= longest) return;
    tooLong = true;
    rest = '';
    onTooLong();
  };
  stream.setEncoding('utf8');
  for await (const text of stream as AsyncIterable<string>) {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      add(text.slice(start, end));
      if (!tooLong) await take(rest);
      rest = '';
      tooLong = false;
      start = end + 1;
    }
    add(text.slice(start));
  }
  if (rest !== '') await take(rest);
}

/**
 * Starts a sink with the acknowledgement descriptor (`VOLTPIPE_ACK_FD`): `0` when it is up, then after each delivery the count of
 * lines, in order, that are safe; `x` from a filter.
 */
export function startSink(spawn: Spawn, clock: Clock, argv: readonly string[], events: SinkEvents): SinkProcess {
  const child = spawn(argv, {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    env: { VOLTPIPE_ACK_FD: String(ackFd) },
  });
  const input = child.stdin as Writable;
  const acks = child.stdio[ackFd] as Duplex | null;
  input.on('error', () => {});

  const acknowledged = (line: string): undefined => {
    if (line === 'x') events.onFilter();
    else if (/^\d{1,15}$/.test(line)) events.onAcknowledged(Number(line));
    return undefined;
  };
  const heard = Promise.all([
    acks && eachLine(acks, longestWord, acknowledged, () => events.onTooLong('acknowledgement')).catch(() => {}),
    child.stdout &&
      eachLine(child.stdout, longestLine, events.onLine, () => events.onTooLong('output')).catch(() => {}),
  ]);

  const ended = new Promise<SinkEnd>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ status: null, signal: null, failed: error.code ?? error.message });
    });
    child.once('exit', (status, signal) => {
      void Promise.race([heard, clock.sleep(hearOutFor)]).then(() => resolve({ status, signal }));
    });
  });

  let gone = false;
  /** Ends the write that waits. */
  let giveUp = (): void => {};
  const abandon = (): void => {
    gone = true;
    giveUp();
  };
  child.once('exit', abandon);
  child.once('error', abandon);
  return {
    ended,
    abandon,
    write(bytes) {
      if (gone || input.destroyed || input.writableEnded) return Promise.resolve(false);
      return new Promise<boolean>((resolve) => {
        giveUp = () => resolve(false);
        input.write(bytes, (error) => resolve(!error));
      });
    },
    end() {
      input.end();
    },
    kill(signal) {
      child.kill(signal);
    },
  };
}
