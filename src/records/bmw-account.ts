import { vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** The state of the login at BMW, without any token. */
export const bmwLogin = {
  type: 'bmw_login',
  summary: 'the state of the login at BMW, without any token',
  keys: [
    {
      name: 'status',
      kind: 'string',
      summary: 'valid; expiring: run bmw-login --refresh; dead: log in again',
      values: ['valid', 'expiring', 'dead'],
      required: true,
    },
    { name: 'client_id', kind: 'string', summary: 'the CarData client' },
    { name: 'gcid', kind: 'string', summary: 'the account, which is the MQTT user name' },
    { name: 'scope', kind: 'string', summary: 'what BMW granted' },
    { name: 'stream', kind: 'boolean', summary: 'the login opens CarData Stream' },
    { name: 'api', kind: 'boolean', summary: 'the login opens the CarData API' },
    { name: 'expires_at', kind: 'string', summary: 'when the access token runs out (RFC 3339)' },
    { name: 'login_until', kind: 'string', summary: 'when the login ends unless it is renewed before (RFC 3339)' },
  ],
} as const satisfies RecordFamily;

/** A descriptor that once came from a vehicle. */
export const bmwDescriptor = {
  type: 'bmw_descriptor',
  summary: 'a descriptor of BMW CarData that came from a vehicle; time is when it last did',
  keys: [vin, { name: 'descriptor', kind: 'string', summary: "BMW's name of the value", required: true }],
} as const satisfies RecordFamily;

/** What BMW says a vehicle is. */
export const bmwVehicle = {
  type: 'bmw_vehicle',
  summary: 'basic data of a vehicle as BMW sent them',
  keys: [vin, { name: 'data', kind: 'object', summary: 'model, drive train and so on, untouched', required: true }],
} as const satisfies RecordFamily;

/** One charging session of BMW's history. */
export const bmwChargingSession = {
  type: 'bmw_charging_session',
  summary: "a charging session of BMW's history; time is its start",
  keys: [
    vin,
    { name: 'data', kind: 'object', summary: "BMW's entry, untouched; times are seconds since 1970", required: true },
  ],
} as const satisfies RecordFamily;
