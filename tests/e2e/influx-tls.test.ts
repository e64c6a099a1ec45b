import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as setup } from '../../src/commands/influx-setup.ts';
import { command as write } from '../../src/commands/influx-write.ts';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { runCommand } from '../support/command.ts';
import { startInfluxd } from '../support/databases.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const reading = { type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'X', voltage: 12.6 };

/** influxd that speaks TLS under an authority of its own; undefined when it is not installed. */
async function secureInfluxd(t: TestContext) {
  const tls = await serverCertificate(['localhost']);
  const influxd = await startInfluxd(t, { tls });
  if (!influxd) return undefined;
  const ca = join(temporaryFolder('ca'), 'ca.pem');
  writeFileSync(ca, tls.ca);
  return { ...influxd, ca, https: `https://localhost:${influxd.port}` };
}

test('http:// to the TLS port of influxd costs no record: 78 with the next step, and a spool keeps all', async (t) => {
  const influxd = await secureInfluxd(t);
  if (!influxd) return;
  const cwd = temporaryFolder('spool');
  const run = (line: string, stdin = '') => shell(line, { cwd, stdin, env: cleanEnvironment(cwd) });
  const lines = `${JSON.stringify(reading)}\n`.repeat(3);
  for (const api of ['v1', 'v2', 'v3']) {
    const { status, stderr } = await run(
      `spool sp-${api} -- influx-write --api ${api} --org home --url ${influxd.url}`,
      lines,
    );
    assert.equal(status, 78, stderr);
    assert.match(stderr, /Client sent an HTTP request to an HTTPS server\. Say https:\/\//);
    const { backlog, delivered } = JSON.parse((await run(`spool stat sp-${api}`)).stdout);
    assert.deepEqual([backlog, delivered], [3, 0]);
  }
});

test('influxd under an authority of its own: --ca believes it, without it 78 with the next step, for influx-write and influx-setup', async (t) => {
  const influxd = await secureInfluxd(t);
  if (!influxd) return;
  const { ca, https: url } = influxd;
  const made = await runCommand(setup, { flags: { url, ca, apply: true, downsample: false, weeks: 'inf' } });
  assert.equal(made.status, 0, made.error?.message);
  for (const api of ['auto', 'v1']) {
    const written = await runCommand(write, { input: [reading], flags: { url, ca, api } });
    assert.deepEqual([written.status, written.delivered], [0, 1], written.error?.message);
    const refused = await runCommand(write, { input: [reading], flags: { url, api } });
    assert.deepEqual([refused.status, refused.delivered], [78, 0]);
    assert.match(refused.error?.message ?? '', /certificate refused/);
    assert.match(`${(refused.error as { next?: string }).next}`, /--ca/);
  }
  const distrusted = await runCommand(setup, { flags: { url, apply: true } });
  assert.equal(distrusted.status, 78);
  assert.match(`${(distrusted.error as { next?: string }).next}`, /--ca/);
  const otherName = await runCommand(write, {
    input: [reading],
    flags: { url: url.replace('localhost', '127.0.0.1'), ca },
  });
  assert.equal(otherName.status, 78);
  assert.match(`${(otherName.error as { next?: string }).next}`, /name that stands in the certificate/);
  for (const file of ['/nowhere.pem', '/etc/hostname'])
    assert.equal((await runCommand(write, { input: [reading], flags: { url, ca: file } })).status, 78, file);
});
