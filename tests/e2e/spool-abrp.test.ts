import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Background, background, backgroundPipeline } from '../support/background.ts';
import { until } from '../support/fixture.ts';
import { freePort } from '../support/mosquitto.ts';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';

const state = (n: number): string =>
  `${JSON.stringify({ type: 'vehicle_telemetry', time: new Date(1.7724e12 + n * 20_000).toISOString(), utc: 1772400000 + n * 20, soc: 40 + n, is_charging: false })}\n`;
const states = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => state(from + i)).join('');

describe('bmw-stream | normalize | spool DIR -- abrp-push', () => {
  const home = temporaryFolder('spool-abrp');
  const config = join(home, 'config.yaml');
  const env = cleanEnvironment(home, { VOLTPIPE_CONFIG: config });
  let port: number;
  let bmw: Background;
  let abrp: Background | undefined;

  const startAbrp = async (): Promise<Background> => {
    abrp = background(['simulate', 'abrp', '--listen', String(port), '--write-config', config], cleanEnvironment(home));
    await abrp.line(({ type }) => type === 'endpoint');
    return abrp;
  };
  const stopAbrp = async (): Promise<void> => {
    await abrp?.stop();
    abrp = undefined;
  };
  const points = (peer: Background): number[] =>
    (peer.lines as { type: string; tlm: { soc: number } }[])
      .filter(({ type }) => type === 'abrp_point')
      .map(({ tlm }) => tlm.soc);
  const stat = async (folder: string): Promise<{ backlog: number }> =>
    JSON.parse((await shell(`spool stat ${folder}`, { cwd: home, env })).stdout);

  before(async () => {
    port = await freePort();
    bmw = background(
      ['simulate', 'bmw', '--approve-after', '0', '--speed-up', '600', '--write-config', config],
      cleanEnvironment(home),
    );
    await bmw.line(({ type }) => type === 'endpoint');
    await startAbrp();
    const login = await shell('bmw-login', { env, limit: 30_000 });
    assert.equal(login.status, 0, login.stderr);
  });
  after(() => Promise.all([bmw?.stop(), stopAbrp()]));

  for (const [how, line] of [
    ['as processes', 'bmw-stream | normalize | spool FOLDER -- abrp-push --min-interval 1s'],
    [
      'the sink in one process with the rest',
      "voltpipe run 'bmw-stream | normalize | spool FOLDER | abrp-push --min-interval 1s'",
    ],
    ['as the unit has it', "voltpipe run 'bmw-stream | normalize | spool FOLDER -- abrp-push --min-interval 1s'"],
  ] as const) {
    test(`${how}: live, through an outage of ABRP and a stop in the middle of it, and nothing is left in the end`, async () => {
      const folder = join(home, `kept-${how.length}`);
      const before = points(abrp!).length;
      let pipeline = backgroundPipeline(line.replace('FOLDER', folder), env);
      await abrp!.line(() => points(abrp!).length >= before + 2);
      await stopAbrp();
      await until(() => /abrp-push: warning/.test(pipeline.stderr()), 'the outage');
      const kept = async (): Promise<number> => (await stat(folder)).backlog;
      const end = Date.now() + 60_000;
      while ((await kept()) < 3) assert.ok(Date.now() < end, pipeline.stderr());
      await pipeline.stop('SIGINT');
      const { status, signal } = await pipeline.ended;
      assert.ok(signal === 'SIGINT' || status === 130, `${status} ${signal}`);
      const left = await kept();
      assert.ok(left >= 3, `${left} kept`);
      const peer = await startAbrp();
      pipeline = backgroundPipeline(`spool get ${folder} -- abrp-push --min-interval 1s`, env);
      await pipeline.ended;
      assert.equal(await kept(), 0, pipeline.stderr());
      assert.ok(points(peer).length > 0);
    });
  }

  test('the pipelines under examples/ do what they say', async () => {
    const cwd = temporaryFolder('examples');
    const peer = abrp ?? (await startAbrp());
    const sink = join(cwd, 'archive');
    writeFileSync(
      sink,
      `#!/bin/bash\nexec ${process.execPath} ${join(root, 'tests/support/fixture-sink.mjs')} archived\n`,
    );
    chmodSync(sink, 0o755);
    const example = (name: string): string => join(root, 'examples/pipelines', name);
    let count = points(peer).length;
    const arrived = async (soc: number): Promise<void> => {
      await peer.line(() => points(peer).slice(count).includes(soc));
      count = points(peer).length;
    };
    const two = await shell(`bash ${example('two-units.sh')} kept`, { cwd, env, stdin: states(1, 2) });
    assert.equal(two.status, 0, two.stderr);
    await arrived(42);
    const both = await shell(
      `bash ${example('two-sinks.sh')} .; until grep -q '"soc":44' archived 2> /dev/null; do sleep 0.1; done`,
      {
        cwd,
        env,
        stdin: states(3, 4),
      },
    );
    assert.equal(both.status, 0, both.stderr);
    await arrived(44);
    assert.ok(existsSync(join(cwd, 'archived')));
    const live = backgroundPipeline(`bash ${example('bmw-abrp.sh')} ${join(cwd, 'live')}`, env);
    await peer.line(() => points(peer).length > count);
    await live.stop('SIGINT');
    await live.ended;
  });

  test('the unit keeps what it cannot deliver', () => {
    const unit = readFileSync('examples/systemd/bmw-abrp.service', 'utf8');
    assert.match(unit, /spool %S\/voltpipe\/spool\/abrp -- abrp-push'$/m);
    assert.match(unit, /^StateDirectory=voltpipe$/m);
  });
});
