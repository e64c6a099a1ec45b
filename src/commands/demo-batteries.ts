import { decodeAdvertisedReading } from '../protocols/bms/bm-advertisement.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { CommandError } from '../runtime/exit.ts';
import { type Air, startAir } from '../simulators/ble/air.ts';
import { bmPeripheral } from '../simulators/ble/bm.ts';
import { advertisedBlock, type BmValues } from '../simulators/ble/bm-frames.ts';
import { dalyDevice } from '../simulators/bms/daly.ts';
import type { SerialDevice } from '../simulators/bms/device.ts';
import { jbdDevice } from '../simulators/bms/jbd.ts';
import { type SimulatedLine, startLine } from '../simulators/bms/line.ts';
import { createPack, type Pack, type PackOptions } from '../simulators/bms/pack.ts';
import type { Child, Demo, Limits, Scene, Stage } from './demo-stage.ts';
import { createRows, fleetView } from './fleet-view.ts';

const watching = "stats --every 2s --swing 2 | alarm 'low: voltage<11.9 clear 12.1' 'full: state_of_charge>=90'";
const tick = 250;
const shownAlarms = 4;

interface PlayedPack {
  name: string;
  type: string;
  battery: PackOptions;
  device(pack: Pack): SerialDevice;
}

/** The packs of a camper van, on wires behind serial servers. They are small, so that a minute shows something. */
const packs: readonly PlayedPack[] = [
  { name: 'House', type: 'jbd', battery: { current: -31, soc: 72, capacity: 2 }, device: jbdDevice },
  {
    name: 'Solar',
    type: 'daly',
    battery: { current: 24, soc: 84, capacity: 2, cells: 8 },
    device: (pack) => dalyDevice(pack, { dialect: 'a5', board: 1, stale: false }),
  },
];

/** The 12 V battery of a boat, and its monitor's address. */
const monitor = '50:54:7B:00:00:02';
const voltages = [12.5, 12.4, 12.3, 12.2, 12.1, 12, 11.9, 11.8, 11.9, 12.2, 12.6, 13.2, 13.6, 13.2];
/** Milliseconds from one of them to the next. */
const step = 1500;

/** What the monitor measures so many milliseconds after the start. */
function boatAt(elapsed: number): BmValues {
  const voltage = voltages[Math.floor(elapsed / step) % voltages.length]!;
  const state = voltage > 13 ? 'charging' : 'normal';
  return { voltage, charge: Math.min(100, Math.round((voltage - 11.5) * 60)), temperature: 14, state };
}

/** The boat in the air: a Bluetooth controller that is software alone. Undefined where it can't be had, since socat is missing. */
async function playBoat({ clock }: Stage, start: number): Promise<Air | undefined> {
  const values = (at: number): BmValues => boatAt(at - start);
  try {
    return await startAir({
      clock,
      port: true,
      peripherals: [bmPeripheral({ family: 'bm6', address: monitor, clock, values })],
    });
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** What has come out of the commands. */
interface Heard {
  view: ReturnType<typeof createRows>;
  updates: number;
  said: string[];
  peaks: Map<string, VoltRecord>;
}

function hear(heard: Heard, line: string): void {
  const record = JSON.parse(line) as VoltRecord;
  const { type, device_name: name } = record;
  heard.view.take(record);
  if (type === 'battery_reading') heard.updates++;
  if (type === 'battery_stats') heard.peaks.set(String(name), record);
  if (type === 'alarm') {
    const { alarm, state, value } = record;
    heard.said.push(`alarm ${state}: ${name} ${alarm}${typeof value === 'number' ? ` (${value})` : ''}`);
  }
}

/** What the boat's monitor advertises at this moment, encrypted as it goes over the air, and taken apart by the codec. */
function overhear(now: number, elapsed: number): VoltRecord | undefined {
  const found = decodeAdvertisedReading(advertisedBlock('bm6', monitor, boatAt(elapsed)), monitor);
  if (!found) return undefined;
  const names = { device_id: monitor, device_name: 'Starter', device_type: found.family, vehicle_name: 'Boat' };
  return { type: 'battery_reading', time: timestamp(now), ...names, ...found.fields };
}

/** One line of an update, for what is no terminal. */
function updateLine({ view, updates }: Heard): string {
  const parts = view.rows.map(({ name, reading }) => {
    const { voltage, current, state_of_charge: charge } = reading ?? ({} as Partial<VoltRecord>);
    const amps = typeof current === 'number' ? ` ${current} A` : '';
    return reading ? `${name} ${voltage} V${amps} ${charge} %` : name;
  });
  return `${parts.join('  ')}  (${updates} readings)`;
}

function peakLines({ peaks }: Heard): string[] {
  return [...peaks].flatMap(([name, { peak_power: power, discharged_wh: out, charged_wh: into }]) =>
    power === undefined ? [] : [`  ${name}: peak ${power} W, ${into ?? 0} Wh in, ${out ?? 0} Wh out`],
  );
}

function draw(heard: Heard, { clock, screen }: Stage): string {
  return [
    '',
    fleetView(heard.view.rows, clock.now(), screen.columns),
    '',
    ...peakLines(heard),
    ...heard.said.slice(-shownAlarms).map((text) => `  ${text}`),
  ].join('\n');
}

/** The commands that make the batteries known. */
function registration(lines: readonly SimulatedLine[], air: Air | undefined): string[][] {
  const add = packs.map(({ name, type }, i) => {
    const vehicle = i === 0 ? [] : ['--vehicle', 'vehicle_1'];
    return ['registry', 'add', lines[i]!.url, '--type', type, '--name', name, '-i', '1s', ...vehicle];
  });
  const boat = [
    ['registry', 'add', monitor, '--type', 'bm6', '--name', 'Starter', '-i', '2s'],
    ['registry', 'set', 'vehicle_2', 'name=Boat'],
  ];
  return [...add, ['registry', 'set', 'vehicle_1', 'name=Van'], ...(air ? boat : [])];
}

async function* register(stage: Stage, commands: readonly string[][], env: Record<string, string>) {
  for (const words of commands) {
    yield { line: `$ ${words.join(' ')}` };
    await stage.start([...words, '--no-config', '--quiet'], env).done;
    if (stage.signal.aborted) return;
  }
}

async function* watch(stage: Stage, heard: Heard, children: readonly Child[], limits: Limits, start: number) {
  const { clock, screen, signal } = stage;
  const { updates = Number.POSITIVE_INFINITY } = limits;
  let shown = 0;
  let toldAlarms = 0;
  for (let turn = 0; shown < updates && !signal.aborted && children.every(({ over }) => !over); turn++) {
    await Promise.race([clock.sleep(tick, signal).catch(() => {}), ...children.map(({ done }) => done)]);
    if (turn % 4 === 0 && children[1]) {
      const record = overhear(clock.now(), clock.now() - start);
      if (record) children[1].feed(JSON.stringify(record));
    }
    for (const child of children) for (const said of child.said()) yield { line: `  ${said}` };
    if (screen.interactive) yield { view: `${draw(heard, stage)}\n\n  Ctrl-C ends.` };
    else {
      for (; toldAlarms < heard.said.length; toldAlarms++) yield { line: `  ${heard.said[toldAlarms]}` };
      if (heard.updates > shown) yield { line: updateLine(heard) };
    }
    shown = heard.updates;
  }
  const end = `${heard.updates} readings. With batteries of your own: registry add --help.`;
  yield screen.interactive ? { view: `${draw(heard, stage)}\n\n  ${end}` } : { line: end };
}

/** Two packs on wires and a 12 V monitor in the air: registered, read, counted, watched, by the real commands. */
export const batteriesDemo: Demo = {
  summary: 'batteries of a camper van and a boat: registry add, then bms-read --registry | stats | alarm',
  async *play(stage, limits) {
    const { clock, folder } = stage;
    const lines = await Promise.all(
      packs.map(({ battery, device }) =>
        startLine(device(createPack(battery, clock)), { clock, strangerAsks: new Uint8Array() }),
      ),
    );
    const start = clock.now();
    const air = await playBoat(stage, start);
    const env = { VOLTPIPE_DATA_DIR: folder, RUNTIME_DIRECTORY: folder };
    const heard: Heard = { view: createRows(), updates: 0, said: [], peaks: new Map() };
    const children: Child[] = [];
    try {
      yield { line: 'Batteries of a camper van, behind serial servers, and of a boat, in the air.' };
      yield { line: 'All are played on this machine, the commands are the real ones.' };
      yield { line: '' };
      yield* register(stage, registration(lines, air), env) as AsyncGenerator<Scene, void, void>;
      if (stage.signal.aborted) return;
      const adapter = air ? ` --adapter ${air.port}` : '';
      const pipeline = `bms-read --registry --no-initial-scan${adapter} | ${watching}`;
      yield { line: `$ ${pipeline}` };
      const onLine = (line: string): void => hear(heard, line);
      for (const words of air ? [pipeline] : [pipeline, watching])
        children.push(stage.start(['run', '--no-config', '-q', words], env, onLine));
      if (!air) yield { line: "  and the boat's advertisements through the same codec, stats and alarm" };
      yield* watch(stage, heard, children, limits, start) as AsyncGenerator<Scene, void, void>;
    } finally {
      await Promise.all(children.map((child) => child.stop()));
      await Promise.all([...lines.map((line) => line.close()), air?.close()]);
    }
  },
};
