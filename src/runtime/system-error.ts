/** The codes of the system that a user meets, in words. */
const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'no address of this machine',
  EDQUOT: 'the quota is used up',
  EEXIST: 'there is a file of that name',
  EFBIG: 'the file may not grow any further',
  EIO: 'input/output error',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files',
  ENODEV: 'no such device',
  ENOENT: 'no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'not permitted',
  EROFS: 'the disk can only be read',
};

/** The code of the system, `ENOENT`, that a failure has itself or that its cause has; undefined: none. */
export function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as NodeJS.ErrnoException;
  return code ?? (cause as NodeJS.ErrnoException | undefined)?.code;
}

/**
 * Why something failed: `permission denied (EACCES)`; the code alone where there are no words for it, the message where there is no code.
 *
 * @param own words that say more of what was done
 */
export function inWords(error: unknown, own: Readonly<Record<string, string>> = {}): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message ?? String(error);
  const said = own[code] ?? words[code];
  return said === undefined ? code : `${said} (${code})`;
}
