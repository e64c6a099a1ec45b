import { test } from 'node:test';
import { killOnAFullDisk, killTheWriterOnAFullDisk } from './spool-kill-full.ts';

test('200 times kill -9 of spool on a full disk, and once more before there is room: it starts, and all that was accepted arrives, in order', (t) =>
  killOnAFullDisk(t, 200));

test('200 times kill -9 of spool put on a full disk, beside one spool get that goes on: all that was accepted arrives, once and in order', (t) =>
  killTheWriterOnAFullDisk(t, 200));
