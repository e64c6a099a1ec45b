import { test } from 'node:test';
import { powerCuts } from './power-cut.ts';

test('2000 times: the power goes at any step, and nothing that was accepted is lost', () => powerCuts(2000));
