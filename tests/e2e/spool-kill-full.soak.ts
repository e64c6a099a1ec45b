import { test } from 'node:test';
import { killOnAFullDisk } from './spool-kill-full.ts';

test('200 times kill -9 of spool on a full disk, and once more before there is room: it starts, and all that was accepted arrives, in order', (t) =>
  killOnAFullDisk(t, 200));
