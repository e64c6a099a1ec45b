import { logIn } from '../clients/bmw/device-flow.ts';
import { loginOptions, openLogin } from '../clients/bmw/login.ts';
import { describeLogin, type LoginStatus, statusOf } from '../clients/bmw/login-state.ts';
import type { DeviceCode, Tokens } from '../clients/bmw/oauth.ts';
import { portalSteps, startOver } from '../clients/bmw/portal.ts';
import { qrCode } from '../clients/bmw/qr-code.ts';
import { grantsOf } from '../clients/bmw/scopes.ts';
import { notingSilence } from '../clients/bmw/silence.ts';
import type { VoltRecord } from '../records/record.ts';
import { formatTime } from '../records/time.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, exit, fail, sentence } from '../runtime/exit.ts';
import { fitted } from './rows.ts';

const options = {
  ...loginOptions,
  check: {
    type: 'flag',
    summary: 'look at the stored login, without calling BMW: exit status 0 valid, 75 about to expire, 77 log in again',
  },
  refresh: { type: 'flag', summary: 'renew the stored login now' },
  qr: { type: 'flag', default: true, summary: 'show the link as a QR code, on a terminal' },
} as const;

type LoginContext = Context<typeof options>;

const statusExit: Record<LoginStatus, number> = { valid: exit.ok, expiring: exit.later, dead: exit.noPermission };

/** Logs in at BMW and keeps the tokens. */
export const command = defineCommand({
  name: 'bmw-login',
  kind: 'tool',
  input: 'none',
  writes: ['bmw_login'],
  format: 'record',
  summary: 'logs in at BMW CarData and stores the tokens',
  description: `Logs in with BMW's device flow: it shows a link and a code, you approve in a browser, on any device, and the tokens are
stored for bmw-stream and bmw-poll. They renew them by themselves; nobody has to log in again as long as one of them runs at
least once in 14 days.

What it says to you goes to stderr. stdout gets one bmw_login record, which holds no token.

It ends with 77 when BMW refuses, when the code runs out, and when the login lacks a scope: then the client was authorised before
it was subscribed to both services, and has to be created anew.`,
  options,
  sections: [{ title: 'THE PORTAL', text: portalSteps.replace('\n', '\n\n') }],
  examples: [
    {
      text: 'Log in for the first time',
      command: 'bmw-login --client-id 0d5ee6a4-6f2c-4cd1-a2e1-0f7c1c6d3d33',
      notRun: 'needs an account at BMW',
    },
    {
      text: 'Renew the login from cron, for a machine on which nothing else does',
      command: 'bmw-login --refresh --quiet >/dev/null',
      needs: ['bmw', 'login'],
    },
    { text: 'Ask whether there is a login', command: 'bmw-login --check', status: 77 },
  ],
  files: [{ path: '<data dir>/bmw-tokens.json', text: 'the login, mode 0600, shared with bmw-stream and bmw-poll' }],
  seeAlso: ['bmw-stream(1)', 'bmw-poll(1)', 'voltpipe-config(5)'],

  check(opts) {
    if (opts['check'] && opts['refresh']) throw fail('usage', '--check and --refresh exclude each other');
  },

  async *run(ctx) {
    try {
      const made = ctx.opts.check ? await check(ctx) : ctx.opts.refresh ? await refresh(ctx) : await login(ctx);
      yield made.record;
      return made.status;
    } catch (error) {
      if (ctx.signal.aborted && !(error instanceof CommandError)) return exit.ok;
      throw error;
    }
  },
});

interface Made {
  record: VoltRecord;
  status: number;
}

async function check(ctx: LoginContext): Promise<Made> {
  const { store } = await openLogin(ctx);
  const tokens = await store.read().catch((error) => {
    if (!(error instanceof CommandError) || error.status !== exit.noPermission) throw error;
    ctx.log.error(sentence(error));
    return undefined;
  });
  const now = ctx.clock.now();
  if (!tokens) return { record: { type: 'bmw_login', time: formatTime(now), status: 'dead' }, status: statusExit.dead };
  const status = statusOf(tokens, now);
  if (status === 'dead') ctx.log.error('login: nobody has renewed it for 14 days. Run bmw-login.');
  if (status === 'expiring') ctx.log.warn('login: about to expire. Run bmw-login --refresh, or let bmw-stream run.');
  return { record: describeLogin(tokens, now), status: statusExit[status] };
}

async function refresh(ctx: LoginContext): Promise<Made> {
  const { store, http } = await openLogin(ctx);
  try {
    const stale = await store.read();
    const tokens = await notingSilence(ctx.clock, ctx.log.info, () => store.refresh(stale));
    return { record: describeLogin(tokens, ctx.clock.now()), status: warnOfScopes(ctx, tokens) };
  } finally {
    await http.close();
  }
}

async function login(ctx: LoginContext): Promise<Made> {
  const { store, oauth, http } = await openLogin(ctx);
  // Who logs in again need not know the id any longer.
  const clientId = ctx.opts.clientId ?? (await store.read().catch(() => undefined))?.client_id;
  if (clientId === undefined) {
    ctx.screen.print(fitted(portalSteps, ctx.screen));
    throw fail(
      'config',
      'bmw.clientId: there is no client id',
      "Create a CarData client in BMW's portal and give its id.",
    );
  }
  try {
    const tokens = await logIn(clientId, {
      oauth,
      clock: ctx.clock,
      signal: ctx.signal,
      onCode: (code) => show(ctx, code),
      onNote: (text) => ctx.log.info(text),
    });
    const { gcid } = ctx.opts;
    const whole = gcid === undefined ? tokens : { ...tokens, gcid };
    await store.save(whole);
    const status = warnOfScopes(ctx, whole);
    ctx.screen.print(status === exit.ok ? 'Logged in. bmw-stream can start.' : 'Logged in, but not for everything.');
    return { record: describeLogin(whole, ctx.clock.now()), status };
  } finally {
    await http.close();
  }
}

/** Guides the user. The link is made here: BMW no longer sends one with the code in it. */
async function show(ctx: LoginContext, code: DeviceCode): Promise<void> {
  ctx.redact(code.device_code);
  ctx.redact(code.verifier);
  const { screen } = ctx;
  const link = `${code.verification_uri}?user_code=${encodeURIComponent(code.user_code)}`;
  const minutes = Math.round(code.expires_in / 60);
  const guide = `
Open this link in a browser, on any device, log in with your BMW account and approve:

  ${link}

The code is ${code.user_code} (exactly so, upper and lower case). It is good for ${minutes} minutes.
A content blocker can break BMW's page: switch it off there.
`;
  screen.print(fitted(guide, screen));
  if (screen.interactive && ctx.opts.qr) screen.print(await qrCode(link));
}

/** A login without its scopes looks fine and opens nothing: better said at once. */
function warnOfScopes(ctx: LoginContext, tokens: Tokens): number {
  const { stream, api } = grantsOf(tokens);
  const missing = [stream === false && 'CarData Stream', api === false && 'CarData API'].filter(Boolean);
  if (missing.length === 0) return exit.ok;
  ctx.log.error(`login: it does not open ${missing.join(' and ')}. ${startOver}`);
  return exit.noPermission;
}
