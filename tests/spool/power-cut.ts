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

/** More room than all lives together can fill: a gap can come of a loss alone. */
const maxBytes = 4 * 1024 * 1024;
/** And yet a life has several segments, which end, begin and go while the power may be cut. */
const segmentBytes = 32 * 1024;

type Action = { append?: number; deliver?: number; save?: boolean };

/** Draws from a list again and again. */
function cycle(choices: readonly number[]): (count: number) => number {
  let at = 0;
  return (count) => choices[at++ % choices.length]! % count;
}

/**
 * Lives of a spool, each ended by a power cut at any step of its writing, after which what was never synced is gone or half
 * there, or there in some of its pages and not in others. Whatever happens: what was accepted and not delivered comes out, in order;
 * and nothing comes that was not put in. A gap shows only where pages are missing before others of what nobody had accepted yet.
 */
export async function powerCuts(runs: number): Promise<void> {
  const life = fc.record({
    actions: fc.array(action, { minLength: 1, maxLength: 15 }),
    cutAt: fc.integer({ min: 0, max: 40 }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    back: fc.boolean(),
    pages: fc.option(
      fc.record({
        bytes: fc.constantFrom(512, 4096),
        shift: fc.nat(511),
        choices: fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
      }),
      { nil: undefined },
    ),
  });
  /** Lives in which one segment followed another, and in which one went. */
  let rolled = 0;
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const folder = spoolFolder();
      const given: number[] = [];
      const accepted = new Set<number>();
      const delivered = new Set<number>();
      let n = 0;
      for (const { actions, cutAt, keep, back, pages } of lives) {
        const disk = faultyDisk();
        disk.fault = () => {
          if (disk.steps.length >= cutAt) throw new Error('cut');
        };
        await live(folder, disk, actions).catch(() => {});
        const made = disk.steps.filter((step) => /^create \d+\.log/.test(step)).length;
        if (made > 1) rolled++;
        if (disk.steps.some((step) => /^remove \d+\.log/.test(step))) removed++;
        disk.cutPower({
          kept: keep,
          comesBack: back,
          ...(pages ? { pages: { ...pages, choose: cycle(pages.choices) } } : {}),
        });
        for (const side of ['writer.lock', 'reader.lock']) rmSync(join(folder, side), { recursive: true, force: true });
      }
      const last = await work({ folder, maxBytes });
      const records = await takeAll(last);
      if (!lives.some(({ pages }) => pages))
        assert.ok(!records.some(({ type }) => type === 'gap'), 'a gap without damage');
      const out = records.filter(({ type }) => type === 'x').map(({ n }) => n as number);
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
        const spool = await work({ folder: where, disk, clock: fakeClock(), maxBytes, segmentBytes });
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
  assert.ok(rolled > runs / 10, `in ${rolled} lives of ${runs} runs a segment was followed by another one`);
  assert.ok(removed > runs / 20, `in ${removed} lives of ${runs} runs a segment was removed`);
}
