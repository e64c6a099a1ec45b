import type { Clock } from './clock.ts';
import type { Health } from './health.ts';
import type { Host } from './host.ts';

/** Tells systemd how the service is. */
export interface Notifier {
  stopping(): void;
  close(): void;
}

/**
 * Readiness and watchdog for a unit of `Type=notify`, after sd_notify(3). READY goes out when every stage's data path is up; until
 * then the start time-out is extended, so that an outage at boot is no failed start. The watchdog is fed only while
 * {@link Health.stalled} is empty.
 *
 * Node can't open datagram sockets of the local family, so systemd's own `systemd-notify` sends (8 ms each); units need
 * `NotifyAccess=all`.
 */
export function startNotifier(
  host: Host,
  health: Health,
  clock: Clock,
  send: (message: readonly string[]) => void = (message) => sendBySystemd(host, message),
): Notifier | undefined {
  if (!host.notifySocket) return undefined;
  const every = Math.min(host.watchdogUsec ? host.watchdogUsec / 3000 : 20_000, 20_000);
  let ready = false;
  let status = '';
  let cancel = (): void => {};

  const tell = (): void => {
    const unready = health.unready();
    const words = unready.length > 0 ? unready.join('; ') : 'running';
    const messages: string[] = [];
    if (!ready && unready.length === 0) {
      ready = true;
      messages.push('READY=1');
    }
    if (words !== status) {
      status = words;
      messages.push(`STATUS=${words.replaceAll('\n', ' ')}`);
    }
    if (messages.length > 0) send(messages);
  };

  const beat = (): void => {
    if (!ready) send([`EXTEND_TIMEOUT_USEC=${Math.round(every * 3000)}`]);
    else if (host.watchdogUsec && health.stalled().length === 0) send(['WATCHDOG=1']);
    cancel = clock.after(every, beat, { idle: true });
  };

  health.onChange(tell);
  tell();
  cancel = clock.after(every, beat, { idle: true });
  return {
    stopping: () => send(['STOPPING=1']),
    close: () => cancel(),
  };
}

function sendBySystemd(host: Host, message: readonly string[]): void {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const child = execFile(
    'systemd-notify',
    [...message],
    { env: { ...host.env, NOTIFY_SOCKET: host.notifySocket } },
    () => {},
  );
  child.unref();
}
