import { test } from 'node:test';
import { soakFleet } from './bms-fleet.ts';

test('50 devices polled every 10 s for 10 minutes by one process: no missed poll, memory below 120 MB and flat (HAWK-161, HAWK-163, HAWK-166)', (t) =>
  soakFleet(t, 600, true));
