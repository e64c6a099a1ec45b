import type { ServerResponse } from 'node:http';
import { type SimulatorRequest, sendJson } from '../http.ts';
import { isFaultName } from './faults.ts';
import type { Bmw } from './index.ts';

type Order = Readonly<Record<string, unknown>>;

/** An order of `POST /control`: the key that names it, how it reads, and what it does. */
interface Control {
  /** How it is written, for the manual. */
  form: string;
  summary: string;
  /** Carries it out; a text says what is wrong with the order. */
  run(bmw: Bmw, order: Order): string | undefined | Promise<string | undefined>;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const done = (happened: boolean, otherwise: string): string | undefined => (happened ? undefined : otherwise);

/** What can be told to a running simulator, by the key of the order. */
export const controls: Readonly<Record<string, Control>> = {
  approve: {
    form: '{"approve": "CODE"}, {"approve": true}',
    summary: 'the user approves this login, or all that wait',
    run: (bmw, { approve }) => done(bmw.approve(text(approve)), 'no login is waiting for it'),
  },
  decline: {
    form: '{"decline": true}',
    summary: 'the user declines',
    run: (bmw, { decline }) => done(bmw.decline(text(decline)), 'no login is waiting for it'),
  },
  fault: {
    form: '{"fault": "NAME", "times": 2}',
    summary: 'lets the fault happen the next times (default 1; 0: from now on)',
    run(bmw, { fault, times = 1 }) {
      if (typeof fault !== 'string' || !isFaultName(fault)) return 'no fault has this name';
      if (typeof times !== 'number' || !(times >= 0)) return 'times is no number';
      bmw.faults.arm(fault, times === 0 ? Number.POSITIVE_INFINITY : times);
      return undefined;
    },
  },
  clear: {
    form: '{"clear": true}',
    summary: 'ends all faults',
    run: (bmw) => void bmw.faults.clear(),
  },
  drop: {
    form: '{"drop": true}',
    summary: 'closes the connection of the stream',
    run: (bmw) => void bmw.broker.drop(),
  },
  freeze: {
    form: '{"freeze": true}, {"freeze": false}',
    summary: 'the broker says nothing any more, not even to a ping; or wakes up',
    run: (bmw, { freeze }) => void bmw.broker.freeze(freeze === true),
  },
  broker: {
    form: '{"broker": "down"}, {"broker": "up"}',
    summary: 'the broker goes away, or comes back',
    async run(bmw, { broker }) {
      if (broker !== 'down' && broker !== 'up') return 'broker is down or up';
      await bmw.broker[broker]();
      return undefined;
    },
  },
  pause: {
    form: '{"pause": true}, {"pause": false}',
    summary: 'the cars fall silent, or go on',
    run: (bmw, { pause }) => void bmw.drive(pause !== true),
  },
  publish: {
    form: '{"publish": {DESCRIPTOR: {"timestamp": …, "value": …, "unit": …}}, "vin": "…"}',
    summary:
      'publishes a message for the car, or for the first one; a text in the place of the object goes out as it is',
    async run(bmw, { publish, vin = bmw.vins[0] }) {
      if (typeof vin !== 'string') return 'vin is no text';
      if (typeof publish === 'string') await bmw.broker.publish(vin, publish);
      else if (typeof publish === 'object' && publish !== null) await bmw.publish(vin, publish as Order);
      else return 'publish is no object';
      return undefined;
    },
  },
  quota: {
    form: '{"quota": 0}',
    summary: 'so many requests are left today',
    run(bmw, { quota }) {
      if (typeof quota !== 'number') return 'quota is no number';
      bmw.rest.leave(quota);
      return undefined;
    },
  },
  revoke: {
    form: '{"revoke": true}',
    summary: 'withdraws all tokens',
    run: (bmw) => void bmw.account.revoke(),
  },
};

/** What `GET /control` answers. */
const state = (bmw: Bmw) => ({
  faults: bmw.faults.armed,
  connected: bmw.broker.connected,
  connections: bmw.broker.accepted,
  subscriptions: bmw.broker.subscriptions,
  sent: bmw.broker.count,
  requests_left: bmw.rest.left,
});

async function carryOut(bmw: Bmw, body: string): Promise<string | undefined> {
  let order: unknown;
  try {
    order = JSON.parse(body);
  } catch {
    return 'the body is not JSON';
  }
  if (typeof order !== 'object' || order === null) return 'the body is no object';
  const name = Object.keys(controls).find((key) => key in (order as Order));
  if (name === undefined) return `expected one of ${Object.keys(controls).join(', ')}`;
  return controls[name]?.run(bmw, order as Order);
}

/** `POST /control` with an order of {@link controls}; `GET /control` says how things are. 400 when an order makes no sense. */
export async function control(bmw: Bmw, request: SimulatorRequest, response: ServerResponse): Promise<void> {
  const wrong = request.method === 'POST' ? await carryOut(bmw, request.body) : undefined;
  sendJson(response, wrong === undefined ? 200 : 400, wrong === undefined ? state(bmw) : { error: wrong });
}
