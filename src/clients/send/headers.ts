import { fail } from '../../runtime/exit.ts';
import type { LinkSettings } from './settings.ts';

const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** `Name: value`, line by line. Throws exit status 64 or 78 for what is none; `what` names where it stands. */
export function parseHeaders(
  lines: readonly string[],
  what: string,
  status: 'usage' | 'config',
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const match = headerLine.exec(line);
    // The value may be a secret: the name is enough to find it.
    if (!match) throw fail(status, `${what} '${line.split(':')[0]?.slice(0, 40)}': expected Name: value`);
    headers[match[1]!.toLowerCase()] = match[2]!;
  }
  return headers;
}

/** The headers that every request has: what the user named, and who we are. */
export function httpHeaders({ opts, secrets }: LinkSettings): Record<string, string> {
  const { token, user, password, headers } = secrets;
  const basic = user === undefined ? undefined : Buffer.from(`${user}:${password ?? ''}`, 'utf8').toString('base64');
  const authorization = token === undefined ? basic && `Basic ${basic}` : `Bearer ${token}`;
  return {
    'user-agent': 'voltpipe',
    ...(authorization === undefined ? {} : { authorization }),
    ...parseHeaders(opts.header, '--header', 'usage'),
    ...parseHeaders(headers?.split(/\r?\n/).filter((line) => line.trim() !== '') ?? [], '--headers-file', 'config'),
  };
}
