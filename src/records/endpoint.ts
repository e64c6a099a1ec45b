import { deviceId } from './common.ts';
import type { RecordFamily } from './family.ts';

/** Where a simulator can be reached: its first line on stdout. */
export const endpoint = {
  type: 'endpoint',
  summary: 'where a simulator can be reached, its first line on stdout',
  keys: [
    { name: 'protocol', kind: 'string', summary: 'which simulator: bmw, abrp, …', required: true },
    { name: 'url', kind: 'string', summary: 'its address, when it has one' },
    deviceId,
    { name: 'port', kind: 'string', summary: 'its serial port on this machine, when it has one' },
    { name: 'auth_url', kind: 'string', summary: 'bmw: the authorisation server, and POST /control' },
    { name: 'api_url', kind: 'string', summary: 'bmw: the REST interface' },
    { name: 'broker_url', kind: 'string', summary: 'bmw: the MQTT broker' },
    { name: 'ca', kind: 'string', summary: 'file with the certificate authority to trust' },
    { name: 'client_id', kind: 'string', summary: 'bmw: the CarData client that may log in' },
    { name: 'gcid', kind: 'string', summary: 'bmw: the account' },
    { name: 'vins', kind: 'array', summary: 'bmw: the cars' },
  ],
} as const satisfies RecordFamily;
