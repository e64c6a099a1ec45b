import { fail } from '../../runtime/exit.ts';

/** Where to send. */
export interface Target {
  /** Without user and password. */
  url: URL;
  /** Fit for messages: no query; where the whole address is a secret, no path either. */
  shown: string;
  /** What stood in the address, from a place where it may. */
  user?: string;
  password?: string;
}

/** Reads an address. `secret`: it comes from a file or the configuration, and nobody shall see more than its host. */
export function parseTarget(text: string, secret: boolean): Target {
  if (/^file:/i.test(text)) return fileTarget(text);
  const status = secret ? 'config' : 'usage';
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) {
    const shown = secret ? 'the address' : `'${text.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//')}'`;
    throw fail(status, `${shown} is no URL`, 'As tcp://host:port, https://host/path or file:///path; see send(1).');
  }
  const url = new URL(text);
  const { username, password } = url;
  if (password !== '' && !secret) {
    throw fail(
      'usage',
      'a password in the address would be seen by everybody in the list of processes',
      'Give it with --password-file, or the whole address with --url-file.',
    );
  }
  url.username = '';
  url.password = '';
  const path = url.protocol === 'serial:' || !secret ? url.pathname : '/…';
  return {
    url,
    shown: `${url.protocol}//${url.host}${path === '/' ? '' : path}`,
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

/** `file:///abs/olute` and, what URLs can't say, `file:rela/tive`. */
function fileTarget(text: string): Target {
  const raw = text.replace(/^file:(?:\/\/(?=\/|\.))?/i, '');
  if (raw === '' || raw.startsWith('//') || raw.endsWith('/')) {
    throw fail('usage', `'${text}' names no file`, 'As file:///var/log/readings.ndjson, or file:readings.ndjson.');
  }
  const url = new URL('file:///');
  url.pathname = raw.startsWith('/') ? raw : `/./${raw}`;
  return { url, shown: `file:${raw}` };
}

/** The path of a file target. */
export const pathOf = ({ shown }: Target): string => decodePath(shown.slice('file:'.length));

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** The port of an address that must name one. Throws exit status 64. */
export function portOf(url: URL, shown: string): number {
  const port = Number(url.port);
  if (!port || url.hostname === '')
    throw fail('usage', `${shown}: needs a host and a port, as ${url.protocol}//host:4000`);
  if (url.pathname !== '' && url.pathname !== '/')
    throw fail('usage', `${shown}: has a path, which ${url.protocol} knows nothing of`);
  return port;
}
