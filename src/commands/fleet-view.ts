import type { VoltRecord } from '../records/record.ts';
import type { Context } from '../runtime/context.ts';

/** What is known of one device. */
interface Row {
  name: string;
  vehicle: string;
  status: string;
  reading: VoltRecord | undefined;
}

const redrawEvery = 1000;

/** Names come from the air and from files: nothing in them may move the cursor. */
const plain = (text: unknown): string => String(text ?? '').replaceAll(/\p{C}/gu, '');

const shown = (value: unknown, digits: number, unit: string): string =>
  typeof value === 'number' ? `${value.toFixed(digits)} ${unit}` : '';

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

interface Column {
  title: string;
  right?: true;
  of(row: Row, now: number): string;
}

const columns: readonly Column[] = [
  { title: 'device', of: ({ name }) => name },
  { title: 'vehicle', of: ({ vehicle }) => vehicle },
  { title: 'status', of: ({ status }) => status },
  { title: 'voltage', right: true, of: ({ reading }) => shown(reading?.voltage, 2, 'V') },
  { title: 'current', right: true, of: ({ reading }) => shown(reading?.current, 1, 'A') },
  { title: 'charge', right: true, of: ({ reading }) => shown(reading?.state_of_charge, 0, '%') },
  { title: 'temp', right: true, of: ({ reading }) => shown(reading?.temperature, 1, '°C') },
  { title: 'cells', right: true, of: ({ reading }) => shown(reading?.cell_delta, 3, 'V') },
  {
    title: 'age',
    right: true,
    of: ({ reading }, now) => (reading?.time === undefined ? '' : age(now - Date.parse(reading.time))),
  },
];

/** The live view of batteries as text; columns that nobody fills are left out. */
export function fleetView(rows: readonly Row[], now: number, width: number): string {
  const cells = rows.map((row) => columns.map((column) => plain(column.of(row, now))));
  const used = columns.map((_, i) => cells.some((line) => line[i] !== ''));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (columns[i]!.right ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .filter((_, i) => used[i])
      .join('  ')
      .slice(0, Math.max(1, width - 1))
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)].join('\n');
}

/** Makes rows of the records that a reader of batteries puts out. */
export function createRows(): { take(record: VoltRecord): boolean; readonly rows: readonly Row[] } {
  const rows = new Map<string, Row>();
  return {
    take(record) {
      const { type, device_id: id } = record;
      if (typeof id !== 'string' || (type !== 'battery_reading' && type !== 'device_status')) return false;
      const row = rows.get(id) ?? { name: '', vehicle: '', status: '', reading: undefined };
      rows.set(id, row);
      row.name = plain(record.device_name ?? id);
      row.vehicle = plain(record.vehicle_name);
      if (type === 'battery_reading') row.reading = record;
      else row.status = plain(record.status);
      return true;
    },
    get rows() {
      return [...rows.values()];
    },
  };
}

/**
 * Passes records on and shows them live on the terminal. Where stdout is that same terminal, nothing is passed on: the view stands for
 * it. On no terminal at all it only passes on.
 */
export async function* withView(
  { screen, clock }: Pick<Context, 'screen' | 'clock'>,
  records: AsyncGenerator<VoltRecord, number | void, void>,
): AsyncGenerator<VoltRecord, number | void, void> {
  const view = createRows();
  let cancel = (): void => {};
  const draw = (): void => {
    cancel();
    if (view.rows.length > 0) screen.draw(fleetView(view.rows, clock.now(), screen.columns));
    cancel = clock.after(redrawEvery, draw, { idle: true });
  };
  draw();
  try {
    for (;;) {
      const step = await records.next();
      if (step.done) return step.value;
      if (view.take(step.value)) draw();
      if (!screen.shared) yield step.value;
    }
  } finally {
    cancel();
    await records.return(undefined);
  }
}
