import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { fakeClock } from '../support/clock.ts';
import { faultyDisk } from '../support/faulty-disk.ts';
import { recordOf, spoolFolder, takeAll, work } from '../support/spool.ts';

/** What a life of a spool does: takes records in, delivers some, or saves. */
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ deliver: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ save: fc.constant(true) }) },
);

/** Small segments, and yet more room than all lives together can fill: a gap can come of a loss alone. */
const maxBytes = 4 * 1024 * 1024;

type Action = { append?: number; deliver?: number; save?: boolean };

/**
 * Lives of a spool, each ended by a power cut at any step of its writing, after which what was never synced is gone or half
 * there. Whatever happens: what was accepted and not delivered comes out, in order, with no gap; what was saved as delivered does
 * not come again; and nothing comes that was not put in.
 */
export async function powerCuts(runs: number): Promise<void> {
  const life = fc.record({
    actions: fc.array(action, { minLength: 1, maxLength: 15 }),
    cutAt: fc.integer({ min: 0, max: 40 }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    back: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const folder = spoolFolder();
      const given: number[] = [];
      const accepted = new Set<number>();
      const delivered = new Set<number>();
      let n = 0;
      for (const { actions, cutAt, keep, back } of lives) {
        const disk = faultyDisk();
        disk.fault = () => {
          if (disk.steps.length >= cutAt) throw new Error('cut');
        };
        await live(folder, disk, actions).catch(() => {});
        disk.cutPower(
          (unsynced) => Math.floor(unsynced * keep),
          () => back,
        );
        for (const side of ['writer.lock', 'reader.lock']) rmSync(join(folder, side), { recursive: true, force: true });
      }
      const last = await work({ folder, maxBytes });
      const out = (await takeAll(last)).map((record) => {
        assert.equal(record.type, 'x', 'a gap without damage');
        return record.n as number;
      });
      await last.close();
      assert.deepEqual(
        out,
        out.toSorted((a, b) => a - b),
        'in order',
      );
      for (const one of out) assert.ok(given.includes(one), `${one} was never put in`);
      for (const one of accepted) assert.ok(out.includes(one) || delivered.has(one), `${one} was accepted and is lost`);

      async function live(
        where: string,
        disk: ReturnType<typeof faultyDisk>,
        actions: readonly Action[],
      ): Promise<void> {
        // Its timers die with it.
        const spool = await work({ folder: where, disk, clock: fakeClock(), maxBytes });
        const start = given.length;
        for (const { append, deliver, save } of actions) {
          if (append !== undefined) {
            for (let i = 0; i < append; i++) {
              given.push(++n);
              spool.writer.append(JSON.stringify(recordOf(n, 1200)));
            }
            await spool.writer.flush().finally(() => {
              for (const one of given.slice(start, start + spool.accepted())) accepted.add(one);
            });
          }
          for (let i = 0; i < (deliver ?? 0); i++) {
            const chunk = await spool.feed.next();
            if (!chunk) break;
            for (const line of chunk.bytes.toString().trimEnd().split('\n')) delivered.add(JSON.parse(line).n);
            spool.keeper.delivered(chunk.first, chunk.last);
          }
          if (save) await spool.keeper.save();
        }
      }
    }),
    { numRuns: runs },
  );
}
