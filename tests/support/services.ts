import { spawnSync } from 'node:child_process';
import { accessSync, constants, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Programs that tests use and that a machine may lack, with the Debian package that has them. */
const services = {
  bash: 'bash',
  curl: 'curl',
  fish: 'fish',
  influx: 'influxdb-client',
  influxd: 'influxdb',
  jq: 'jq',
  mandoc: 'mandoc',
  mosquitto: 'mosquitto',
  openssl: 'openssl',
  python3: 'python3-jinja2',
  script: 'bsdutils',
  socat: 'socat',
  systemdAnalyze: 'systemd',
  systemdNotify: 'systemd',
  victoriaMetrics: 'victoria-metrics',
  zsh: 'zsh',
} as const;

/** One of the programs above. */
export type Service = keyof typeof services;

const binaryName: Partial<Record<Service, string>> = {
  systemdAnalyze: 'systemd-analyze',
  systemdNotify: 'systemd-notify',
  victoriaMetrics: 'victoria-metrics',
};

/** Where servers are that ordinary users don't have in their PATH. */
const systemFolders = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** The path of a program, or undefined. */
function findService(service: Service): string | undefined {
  const name = binaryName[service] ?? service;
  const folders = [...(process.env.PATH ?? '').split(':'), ...systemFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * The path of a program that a test needs. A missing one skips the test and says how to install it; with
 * `VOLTPIPE_REQUIRE_SERVICES=1`, as in CI, it fails the test. The caller returns when it gets undefined.
 */
export function requireService(t: TestContext, service: Service): string | undefined {
  const path = findService(service);
  if (path) return path;
  return goWithout(t, `${service} is not installed: apt install ${services[service]}`);
}

/** Skips a test by name, or fails it where everything is required to be there. */
export function goWithout(t: TestContext, hint: string): undefined {
  if (process.env.VOLTPIPE_REQUIRE_SERVICES === '1') throw new Error(hint);
  t.skip(hint);
  return undefined;
}

/** Whether the test runs as an ordinary user; root may read and write everything. The caller returns when it gets undefined. */
export function requireOrdinaryUser(t: TestContext): true | undefined {
  return process.getuid?.() === 0 ? goWithout(t, 'root may read everything: run the tests as an ordinary user') : true;
}

/**
 * A folder on a file system of about 4 MiB, which `VOLTPIPE_SMALL_DISK` names. `none` says that this machine lets nobody mount
 * one: then the test is skipped by name even where everything else is required. The caller returns when it gets undefined.
 *
 * It is this process's own until it ends: a file of tests that fills it must not fill it for another one.
 */
export function requireSmallDisk(t: TestContext): string | undefined {
  const disk = process.env.VOLTPIPE_SMALL_DISK;
  if (!disk) return goWithout(t, 'VOLTPIPE_SMALL_DISK names no small file system');
  if (disk !== 'none') {
    holdAlone(join(disk, 'held-by'));
    return disk;
  }
  t.skip('no small file system can be mounted here');
  return undefined;
}

/** Makes a link that names this process, as soon as there is none of a process that lives. A link takes no room. */
function holdAlone(link: string): void {
  const pid = String(process.pid);
  for (;;) {
    try {
      symlinkSync(pid, link);
      process.once('exit', () => unlinkSync(link));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = holderOf(link);
      if (holder === pid) return;
      if (holder === undefined) continue;
      if (!isAlive(Number(holder))) unlinkSync(link);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

function holderOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs a program to its end and returns what it printed; throws when it fails. */
export function runService(
  path: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(path, args, { encoding: 'utf8', timeout: 30_000, ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${path}: exit status ${status}: ${stderr}${stdout}`);
  return stdout;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
