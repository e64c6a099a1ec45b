import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { dalyModule, jbdModule } from '../../src/simulators/ble/module.ts';
import { ad, type Peripheral } from '../../src/simulators/ble/peripheral.ts';
import { dalyDevice } from '../../src/simulators/bms/daly.ts';
import { jbdDevice } from '../../src/simulators/bms/jbd.ts';
import { createPack } from '../../src/simulators/bms/pack.ts';
import { airVariables, testAir } from '../support/bluetooth.ts';
import { parsed } from '../support/ndjson.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const clock = systemClock;
const pack = () => createPack({ cells: 8, current: -12.3, soc: 81, capacity: 280 }, clock);

/** A module whose owner has given it the name of another maker's, and which says nothing else of itself. */
const called = (name: string, service: number, module: Peripheral): Peripheral => ({
  ...module,
  advertise: () => ({
    data: Buffer.concat([ad.flags(), ad.services(service)]),
    scanResponse: ad.name(name),
    connectable: true,
  }),
});
const jbd = (password?: string) => jbdModule({ device: jbdDevice(pack()), clock, password }, 'C8:47:8C:00:00:01');
const daly = () =>
  dalyModule({ device: dalyDevice(pack(), { dialect: 'd2', board: 1, stale: false }), clock }, '17:71:06:02:0D:D1');

const cases = [
  { what: 'a JBD module that is called as a Daly', device: () => called('DL-HOUSE', 0xff00, jbd()), family: 'jbd' },
  { what: 'a Daly that is called as a JBD module', device: () => called('JBD-HOUSE', 0xfff0, daly()), family: 'daly' },
  {
    what: 'a JBD module with a password and nothing but its name',
    device: () => called('JBD-HOUSE', 0xff00, jbd('123123')),
    family: 'jbd',
    secret: { VOLTPIPE_BMS_PASSWORD: '123123' },
  },
] as const;

/** The device on the air, and the environment that leads to it. */
async function onAir(t: TestContext, device: Peripheral, secret: NodeJS.ProcessEnv = {}) {
  const air = await testAir(t, [device]);
  if (!air) return undefined;
  const home = temporaryFolder('hint');
  const dataDir = join(home, 'data');
  const env = cleanEnvironment(home, {
    ...secret,
    VOLTPIPE_DATA_DIR: dataDir,
    ...airVariables(air),
    VOLTPIPE_DISCOVERY_SCAN_DURATION: '2s',
  });
  return {
    air,
    env,
    kept: () => JSON.parse(readFileSync(join(dataDir, 'devices.json'), 'utf8')).devices[device.address],
  };
}

const readingsIn = (text: string): Record<string, unknown>[] =>
  parsed(text).filter(({ type }) => type === 'battery_reading');

for (const { what, device, family, ...more } of cases) {
  const secret = 'secret' in more ? more.secret : {};
  test(`${what} is found out by asking: bms-read --ble and ble-scan --connect`, async (t) => {
    const module = device();
    const at = await onAir(t, module, secret);
    if (!at) return;
    const read = await shell(`bms-read --ble ${module.address}`, { env: at.env });
    assert.equal(read.status, 0, read.stderr);
    if (Object.keys(secret).length > 0) {
      const stranger = await shell('ble-scan --connect', { env: at.env });
      assert.equal(stranger.status, 69, 'whoever is merely on the air does not get the password');
      const added = await shell(`registry add ${module.address}`, { env: at.env });
      assert.equal(added.status, 0, added.stderr);
    }
    const scan = await shell('ble-scan --connect', { env: at.env });
    assert.equal(scan.status, 0, scan.stderr);
    for (const { stdout } of [read, scan]) {
      const [reading] = readingsIn(stdout);
      assert.deepEqual([reading?.['device_type'], reading?.['current']], [family, -12.3]);
    }
  });

  test(`${what} is registered without a type, which its first reading gives (HAWK-95)`, async (t) => {
    const module = device();
    const at = await onAir(t, module, secret);
    if (!at) return;
    const found = await shell('ble-scan --register', { env: at.env });
    assert.equal(found.status, 0, found.stderr);
    assert.equal(at.kept().status, 'discovered');
    assert.ok(!('device_type' in at.kept()), 'a name proves nothing');
    const set = await shell(`registry set ${module.address} friendly_name=House`, { env: at.env });
    assert.equal(set.status, 0, set.stderr);
    const fleet = await shell('bms-read --registry --once', { env: at.env });
    assert.equal(fleet.status, 0, fleet.stderr);
    assert.equal(readingsIn(fleet.stdout)[0]?.['device_type'], family);
    assert.equal(at.kept().device_type, family.toUpperCase());
  });
}

test('a JBD module that is called as a Daly, and hangs up on the language of one, is read all the same', async (t) => {
  const module = called('DL-HOUSE', 0xff00, jbd());
  let hangUp = (): void => {};
  const touchy: Peripheral = {
    ...module,
    onWrite(characteristic, value, link) {
      if (value[0] === 0xdd) module.onWrite?.(characteristic, value, link);
      else hangUp();
    },
  };
  const at = await onAir(t, touchy);
  if (!at) return;
  let hungUp = 0;
  hangUp = () => {
    hungUp++;
    at.air.controller.drop(module.address);
  };
  const { status, stdout, stderr } = await shell(`bms-read --ble ${module.address}`, { env: at.env });
  assert.equal(status, 0, stderr);
  assert.equal(readingsIn(stdout)[0]?.['device_type'], 'jbd');
  assert.equal(hungUp, 2, 'on each of the two dialects that share its service');
});
