import { test } from 'node:test';
import { killAgainAndAgain } from './spool-kill.ts';

test('10 times kill -9 of spool, of its sink and of both under load: all that was accepted arrives, in order', () =>
  killAgainAndAgain(10));
