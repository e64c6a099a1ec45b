import { chargePoint } from './common.ts';
import type { RecordFamily } from './family.ts';

/** An order to a wallbox. */
export const commandRecord = {
  type: 'command',
  summary: 'an order to a wallbox',
  timeless: true,
  keys: [
    { ...chargePoint, required: true },
    { name: 'command', kind: 'string', summary: 'what to do: start, stop, pause, resume, limit …', required: true },
    { name: 'value', kind: 'number', summary: 'its argument, where it has one' },
    { name: 'id', kind: 'string', summary: 'comes back in the result' },
  ],
} as const satisfies RecordFamily;

/** What became of an order. */
export const commandResult = {
  type: 'command_result',
  summary: 'what became of an order to a wallbox',
  keys: [
    ...commandRecord.keys,
    { name: 'ok', kind: 'boolean', summary: 'the wallbox accepted it', required: true },
    { name: 'status', kind: 'string', summary: 'the answer of the wallbox' },
    { name: 'effect_seen', kind: 'boolean', summary: 'the wallbox was seen to do it' },
    { name: 'reason', kind: 'string', summary: 'why not' },
  ],
} as const satisfies RecordFamily;
