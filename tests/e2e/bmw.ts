import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { command as bmwLogin } from '../../src/commands/bmw-login.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type Bmw, type BmwOptions, startBmw } from '../../src/simulators/bmw/index.ts';
import { exchanged, type FakeClock, settle } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

export const vin = 'WBYVP000000000001';
export const header = 'vehicle.drivetrain.batteryManagement.header';
export const chargingStatus = 'vehicle.drivetrain.electricEngine.charging.status';

/** A simulated BMW, and the environment that points commands at it. */
export interface Started {
  bmw: Bmw;
  dataDir: string;
  env: Record<string, string>;
  clock: Clock | undefined;
}

/** Starts it; approvals come at once and polls are fast, unless the options say otherwise. It ends with the test. */
export async function started(t: TestContext, options: BmwOptions = {}): Promise<Started> {
  const bmw = await startBmw({ ...options, oauth: { approveAfter: 0, interval: 0.02, ...options.oauth } });
  t.after(() => bmw.close());
  const dataDir = temporaryFolder('bmw-data');
  writeFileSync(join(dataDir, 'ca.pem'), bmw.ca);
  const env = {
    VOLTPIPE_BMW_AUTH_URL: bmw.authUrl,
    VOLTPIPE_BMW_API_URL: bmw.apiUrl,
    VOLTPIPE_BMW_BROKER_URL: bmw.brokerUrl,
    VOLTPIPE_BMW_CA: join(dataDir, 'ca.pem'),
    VOLTPIPE_BMW_CLIENT_ID: bmw.clientId,
    VOLTPIPE_BMW_VIN: bmw.vins[0] ?? vin,
  };
  return { bmw, dataDir, env, clock: options.clock };
}

/** Runs bmw-login to its end. */
export function login({ env, dataDir, clock }: Started, flags: Record<string, unknown> = {}) {
  return runCommand(bmwLogin, { env, dataDir, flags, ...(clock && { clock }) });
}

/**
 * Lets a fake clock run, with time for real sockets and disks in between, until the condition holds; not while an exchange with
 * the time-out `held` is under way.
 */
export async function until(clock: FakeClock, condition: () => boolean, step = 500, held?: number): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 5000) throw new Error('it never came to that');
    if (held !== undefined) await exchanged(clock, held);
    await clock.advance(step);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await settle(1);
  }
}

/** The same for a promise. */
export async function during<T>(clock: FakeClock, promise: Promise<T>, step = 500, held?: number): Promise<T> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await until(clock, () => done, step, held);
  return promise;
}
