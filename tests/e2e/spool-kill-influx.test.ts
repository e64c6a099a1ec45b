import { test } from 'node:test';
import { killWithAFailingServer } from './spool-kill-influx.ts';

test('10 times kill -9 of spool, of influx-write and of both while the server answers 500, 429, 503, partial errors or not at all: all that was accepted arrives, in order', () =>
  killWithAFailingServer(10, '1'));
