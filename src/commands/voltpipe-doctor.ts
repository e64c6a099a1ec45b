import type { Tokens } from '../clients/bmw/oauth.ts';
import { type Seen, seenState, unknownVehicle } from '../clients/bmw/seen.ts';
import { idTokenExpiry, refreshLifetime, tokenState } from '../clients/bmw/tokens.ts';
import { formatTime } from '../records/time.ts';
import { configFaults } from '../runtime/check-config.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context, Screen } from '../runtime/context.ts';
import { exit, sentence } from '../runtime/exit.ts';
import { folderAccess, nodeVersion, oldestNode } from '../runtime/machine.ts';
import { rows } from './rows.ts';

const options = {
  stale: {
    type: 'duration',
    default: 6 * 3_600_000,
    summary: 'a descriptor that did not come for so long is worth a warning',
  },
  clientId: { type: 'string', key: 'bmw.clientId', configOnly: true, summary: 'client id of the CarData client' },
  apiKey: { type: 'secret', key: 'abrp.apiKey', summary: "ABRP's API key" },
  userToken: { type: 'secret', key: 'abrp.userToken', summary: "the vehicle's token at ABRP" },
  userTokens: { type: 'map', key: 'abrp.tokens', sensitive: true, summary: 'token of each VIN' },
} as const;

type DoctorContext = Context<typeof options>;

interface Finding {
  status: 'ok' | 'warning' | 'error';
  message: string;
  next?: string;
}

/** A check: its name, what an error in it means for the exit status, and how it is made. */
interface Check {
  name: string;
  exit: number;
  find(ctx: DoctorContext): Promise<Finding[]> | Finding[];
}

const hour = 3_600_000;
/** No clock of a machine that runs this release can rightly show an earlier time. */
const released = Date.parse('2026-11-21T00:00:00Z');

const ok = (message: string): Finding => ({ status: 'ok', message });
const warning = (message: string, next?: string): Finding => ({ status: 'warning', message, ...(next && { next }) });
const error = (message: string, next?: string): Finding => ({ status: 'error', message, ...(next && { next }) });

function checkNode(): Finding[] {
  const version = nodeVersion();
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return [
    fits
      ? ok(`Node ${version}`)
      : error(`Node ${version} is too old`, `Install Node ${oldestNode.join('.')} or newer.`),
  ];
}

async function checkClock(ctx: DoctorContext): Promise<Finding[]> {
  const now = ctx.clock.now();
  if (now < released) {
    return [
      error(
        `the clock says ${formatTime(now)}, which is before this release`,
        'Set the clock, or wait for time synchronisation.',
      ),
    ];
  }
  const synchronised = await ask(ctx, ['timedatectl', 'show', '--property=NTPSynchronized', '--value']);
  if (synchronised === 'no')
    return [warning('the clock is not synchronised', 'Switch on systemd-timesyncd or chrony.')];
  return [
    ok(
      synchronised === 'yes'
        ? 'the clock is synchronised'
        : 'the clock is plausible; whether it is synchronised nobody here can tell',
    ),
  ];
}

/** The output of a program, undefined when it is not there or fails. */
function ask(ctx: DoctorContext, argv: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = ctx.spawn(argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (status) => resolve(status === 0 ? text.trim() : undefined));
  });
}

async function checkConfig(ctx: DoctorContext): Promise<Finding[]> {
  if (ctx.configFiles.length === 0)
    return [warning('there is no configuration file', 'See voltpipe-config(5) for where it is looked for.')];
  const all = await Promise.all(
    ctx.configFiles.map(async ({ file, tree }) => {
      const faults = await configFaults(tree);
      return faults.length === 0 ? [ok(`${file} is valid`)] : faults.map((fault) => error(`${file}: ${fault}`));
    }),
  );
  return all.flat();
}

function checkData(ctx: DoctorContext): Finding[] {
  const { dataDir } = ctx;
  const access = folderAccess(dataDir);
  if (!access?.writable)
    return [error(`${dataDir} cannot be written`, 'Check its owner, or name another with --data-dir.')];
  if ((access.mode & 0o077) !== 0) return [warning(`${dataDir} is open to other users`, `Run: chmod 700 ${dataDir}`)];
  return [ok(`${dataDir} is writable`)];
}

async function checkAbrp(ctx: DoctorContext): Promise<Finding[]> {
  const key = await ctx.secret('apiKey');
  const token = (await ctx.secret('userToken')) ?? Object.values(ctx.opts.userTokens ?? {})[0];
  const missing = [!key && 'abrp.apiKey', !token && 'abrp.userToken'].filter(Boolean).join(' and ');
  return [
    missing
      ? warning(`${missing} not set: abrp-push can't send`, 'See abrp-push(1) for where to get them.')
      : ok('API key and user token of ABRP are set'),
  ];
}

async function checkLogin(ctx: DoctorContext): Promise<Finding[]> {
  const tokens = await ctx.state<Tokens>(tokenState).read();
  if (!tokens?.refresh_token) {
    const next = ctx.opts.clientId ? 'Run bmw-login.' : 'Create a CarData client in the portal, then run bmw-login.';
    return [warning('no BMW login', next)];
  }
  const now = ctx.clock.now();
  const until = Date.parse(tokens.expires_at) - hour + refreshLifetime;
  if (now >= until) return [error('the BMW login has run out: nobody renewed it for 14 days', 'Run bmw-login.')];
  const days = ((until - now) / (24 * hour)).toFixed(1);
  const minutes = Math.round((idTokenExpiry(tokens) - now) / 60_000);
  const id =
    minutes > 0 ? `its id token for ${minutes} min` : 'its id token has run out, as it does when no command runs';
  return [ok(`the BMW login is good for ${days} days unless renewed; ${id}`)];
}

async function checkDescriptors(ctx: DoctorContext): Promise<Finding[]> {
  const seen = await ctx.state<Seen>(seenState).read();
  const vehicles = Object.entries(seen ?? {});
  if (vehicles.length === 0)
    return [
      warning('no CarData message was ever received', 'Run bmw-stream, and check the data selection in the portal.'),
    ];
  const limit = ctx.clock.now() - ctx.opts.stale;
  return vehicles.map(([vin, descriptors]) => {
    const all = Object.entries(descriptors);
    const stale = all.filter(([, time]) => Date.parse(time) < limit).sort(([, a], [, b]) => (a < b ? -1 : 1));
    const hours = Math.round(ctx.opts.stale / hour);
    const vehicle = vin === unknownVehicle ? 'vehicle without a VIN' : `vehicle ${vin.slice(-4)}`;
    if (stale.length === 0) return ok(`${vehicle}: all ${all.length} descriptors came within ${hours} h`);
    const names = stale.slice(0, 5).map(([name, time]) => `${name} (last ${time})`);
    const rest = stale.length > names.length ? ` and ${stale.length - names.length} more` : '';
    const what =
      stale.length === all.length ? 'no descriptor came' : `${stale.length} of ${all.length} descriptors did not come`;
    return warning(
      `${vehicle}: ${what} for ${hours} h: ${names.join(', ')}${rest}`,
      'A parked car is silent; else check the data selection in the portal, which BMW resets now and then.',
    );
  });
}

const checks: readonly Check[] = [
  { name: 'node', exit: exit.software, find: checkNode },
  { name: 'clock', exit: exit.config, find: checkClock },
  { name: 'config', exit: exit.config, find: checkConfig },
  { name: 'data directory', exit: exit.io, find: checkData },
  { name: 'abrp credentials', exit: exit.config, find: checkAbrp },
  { name: 'bmw login', exit: exit.noPermission, find: checkLogin },
  { name: 'bmw descriptors', exit: exit.ok, find: checkDescriptors },
];

/** Room for the longest status. */
const margin = ' '.repeat('warning  '.length);

/** Findings in words, for somebody who looks at them: stdout is the terminal itself, and nobody wants JSON there. */
async function teller({ print, color, columns }: Screen): Promise<(check: string, finding: Finding) => void> {
  const { Chalk } = await import('chalk');
  const paint = new Chalk({ level: color ? 1 : 0 });
  const colours = { ok: paint.green, warning: paint.yellow, error: paint.red };
  return (check, finding) => {
    const { status } = finding;
    const text = rows(`${margin}${check}: ${sentence(finding)}`, columns, margin);
    print(colours[status](status.padEnd(margin.length)) + text.slice(margin.length));
  };
}

/** Says what would keep the toolkit from working. */
export const command = defineCommand({
  name: 'voltpipe doctor',
  kind: 'tool',
  input: 'none',
  writes: ['finding'],
  format: 'record',
  summary: 'checks the installation: Node, clock, configuration, credentials, login, data that stays away',
  description: `Looks at what keeps pipelines from working, and prints one finding a line, \`ok\`, \`warning\` or \`error\`, with the next step:
a record each, and on a terminal words. It asks nobody outside this machine and uses up no quota.

The exit status is 0 unless there is an error: 78 for configuration and clock, 77 for a login that has run out, 74 for a data
directory that can't be written.`,
  options,
  examples: [
    {
      text: 'What is wrong, in words',
      command: `voltpipe doctor | jq -r 'select(.status != "ok") | .message'`,
    },
    { text: 'Mail from cron when something is wrong', command: 'voltpipe doctor >/dev/null' },
  ],
  seeAlso: ['bmw-login(1)', 'bmw-stream(1)', 'voltpipe-config(5)'],
  async *run(ctx) {
    let status: number = exit.ok;
    const tell = ctx.screen.shared ? await teller(ctx.screen) : undefined;
    for (const { name: check, exit: failed, find } of checks) {
      for (const finding of await find(ctx)) {
        if (finding.status === 'error') status ||= failed;
        if (tell) tell(check, finding);
        else {
          if (finding.status === 'error') ctx.log.error(`${check}: ${sentence(finding)}`);
          yield { type: 'finding', time: formatTime(ctx.clock.now()), check, ...finding };
        }
      }
    }
    return status;
  },
});
