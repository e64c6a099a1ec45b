import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Background, background, backgroundPipeline } from '../support/background.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

type Json = Record<string, unknown>;

const isPoint = (line: Json): boolean => line.type === 'abrp_point';
const abrpFields = new Set([
  'utc',
  'soc',
  'power',
  'speed',
  'lat',
  'lon',
  'is_charging',
  'is_dcfc',
  'is_parked',
  'capacity',
  'soe',
  'soh',
  'heading',
  'elevation',
  'ext_temp',
  'batt_temp',
  'voltage',
  'current',
  'odometer',
  'est_battery_range',
  'hvac_power',
  'hvac_setpoint',
  'cabin_temp',
  'tire_pressure_fl',
  'tire_pressure_fr',
  'tire_pressure_rl',
  'tire_pressure_rr',
  'car_model',
]);

/** Both far sides, a configuration that points at them, and a login. */
describe('a BMW is live in ABRP, from login to push (BMW-04, BMW-05, BMW-64, BMW-65, BMW-66)', () => {
  const home = temporaryFolder('e2e');
  const config = join(home, 'config.yaml');
  const env = cleanEnvironment(home, { VOLTPIPE_CONFIG: config });
  let bmw: Background;
  let abrp: Background;

  before(async () => {
    bmw = background(
      ['simulate', 'bmw', '--approve-after', '0', '--speed-up', '600', '--write-config', config],
      cleanEnvironment(home),
    );
    await bmw.line((line) => line.type === 'endpoint');
    abrp = background(['simulate', 'abrp', '--write-config', config], cleanEnvironment(home));
    await abrp.line((line) => line.type === 'endpoint');
    const login = await shell('bmw-login', { env, limit: 30_000 });
    assert.equal(login.status, 0, login.stderr);
  });
  after(() => Promise.all([bmw?.stop(), abrp?.stop()]));

  /** What the simulated ABRP has got since `from`, when there are `count` of it. */
  const points = async (from: number, count: number): Promise<Json[]> => {
    const got = (): Json[] => (abrp.lines as Json[]).filter(isPoint).slice(from);
    await abrp.line(() => got().length >= count);
    return got();
  };
  const pointCount = (): number => (abrp.lines as Json[]).filter(isPoint).length;

  for (const [how, line] of [
    ['as three processes', 'bmw-stream | normalize | abrp-push --min-interval 1s'],
    ['as one process', `voltpipe run 'bmw-stream | normalize | abrp-push --min-interval 1s'`],
  ] as const) {
    test(`${how}: every point has utc and a real soc, ABRP's names alone, and no null`, async () => {
      const from = pointCount();
      const pipeline = backgroundPipeline(line, env);
      try {
        for (const { tlm } of (await points(from, 4)) as { tlm: Json }[]) {
          assert.equal(typeof tlm.utc, 'number');
          assert.ok((tlm.soc as number) > 0 && (tlm.soc as number) <= 100, `soc ${tlm.soc}`);
          for (const [key, value] of Object.entries(tlm)) {
            assert.ok(abrpFields.has(key), `${key} is none of ABRP's fields`);
            assert.notEqual(value, null, key);
          }
          if (tlm.is_charging && tlm.power !== undefined)
            assert.ok((tlm.power as number) < 0, 'charging power is negative');
        }
      } finally {
        await pipeline.stop();
      }
    });
  }
});
