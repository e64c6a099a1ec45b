import { chargePoint, connector } from './common.ts';
import type { RecordFamily } from './family.ts';

/** The state of one connector of a wallbox, put together from its OCPP messages. */
export const wallboxState = {
  type: 'wallbox_state',
  summary: 'the state of one connector of a wallbox, put together from its OCPP messages',
  keys: [
    { ...chargePoint, required: true },
    connector,
    { name: 'online', kind: 'boolean', summary: 'the wallbox was heard of lately', required: true },
    {
      name: 'status',
      kind: 'string',
      summary: 'the state in words: Ready, Connected, Charging, Paused, Car Paused, Wallbox Offline',
    },
    { name: 'power', kind: 'number', unit: 'W', summary: 'charging power' },
    { name: 'energy_total', kind: 'number', unit: 'kWh', summary: 'energy delivered in all' },
    { name: 'energy_session', kind: 'number', unit: 'kWh', summary: 'energy delivered in this session' },
    { name: 'current', kind: 'number', unit: 'A', summary: 'charging current' },
    { name: 'voltage', kind: 'number', unit: 'V', summary: 'mains voltage' },
    {
      name: 'state',
      kind: 'string',
      summary: 'OCPP charging state: Idle, EVConnected, Charging, SuspendedEV, SuspendedEVSE',
    },
    { name: 'connector_status', kind: 'string', summary: 'OCPP connector status' },
    { name: 'transaction_id', kind: 'string', summary: 'id of the running transaction' },
    { name: 'stopped_reason', kind: 'string', summary: 'why the last transaction ended' },
    { name: 'event_type', kind: 'string', summary: 'last OCPP event: Started, Updated, Ended' },
    { name: 'trigger_reason', kind: 'string', summary: 'what made the wallbox send the last event' },
    { name: 'id_token', kind: 'string', summary: 'who charges' },
    { name: 'phases_used', kind: 'integer', summary: 'number of phases in use' },
    { name: 'sequence_number', kind: 'integer', summary: 'number of the last event in its transaction' },
  ],
} as const satisfies RecordFamily;
