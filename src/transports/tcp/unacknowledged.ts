import { promises } from 'node:fs';

/**
 * How many bytes of a connection the kernel still holds because the far side's kernel has not acknowledged them: the `tx_queue` of
 * `/proc/self/net/tcp` (proc_pid_net(5); in inet_diag terms `write_seq - snd_una`). 0 means that all that was written has arrived there.
 *
 * It is what SIOCOUTQ would say, which Node cannot ask. An ordinary user may read it, also under systemd's ProcSubset=pid.
 *
 * @returns undefined where the table is not to be had (not Linux); infinitely many when the connection is no longer in it: it is over,
 * and nobody can say what had arrived
 */
export async function unacknowledgedBytes(connection: {
  localPort: number;
  remotePort: number;
  /** Its line is in tcp6, also when the far side's address is an IPv4 one written as IPv6. */
  ipv6: boolean;
}): Promise<number | undefined> {
  const table = await promises
    .readFile(connection.ipv6 ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'latin1')
    .catch(() => undefined);
  if (table === undefined) return undefined;
  return txQueueIn(table, connection.localPort, connection.remotePort) ?? Number.POSITIVE_INFINITY;
}

const port = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0');

/**
 * The `tx_queue` of the connection between two ports in the text of the table. Two connections with the same pair of ports, to two
 * addresses, count as one with the fuller queue: rather late than wrong.
 */
export function txQueueIn(table: string, localPort: number, remotePort: number): number | undefined {
  const line = new RegExp(
    `^ *\\d+: [0-9A-F]+:${port(localPort)} [0-9A-F]+:${port(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):`,
    'gm',
  );
  let most: number | undefined;
  for (const [, queue = '0'] of table.matchAll(line)) most = Math.max(most ?? 0, Number.parseInt(queue, 16));
  return most;
}
