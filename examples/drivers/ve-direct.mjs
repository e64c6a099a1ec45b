// A driver of one's own for bms-read: a Victron battery monitor (BMV, SmartShunt) on its VE.Direct port.
//
//   bms-read --port /dev/ttyUSB0 --driver examples/drivers/ve-direct.mjs -i 10s
//
// The device speaks by itself, once a second. A block is lines `\r\n<label>\t<value>`, the last one `\r\nChecksum\t<byte>`; all
// bytes of a block add up to a multiple of 256.
//
//   V mV    I mA, + charging    SOC 0.1 %    T °C    CE mAh, negative    AR alarm bits    PID product    FW firmware

const alarms = ['low_voltage', 'high_voltage', 'low_state_of_charge', 'low_starter_voltage', 'high_starter_voltage'];
const head = 0x0d;
const mark = '\r\nChecksum\t';
/** A longer block is none. */
const longest = 600;

/** Cuts blocks out of the stream. It never throws, and keeps no more than one block. */
function parser() {
  let text = '';
  return {
    push(bytes) {
      const frames = [];
      const rejections = [];
      text += String.fromCharCode(...bytes);
      for (;;) {
        const at = text.indexOf(mark);
        if (at < 0 || text.length <= at + mark.length) break;
        const block = text.slice(0, at + mark.length + 1);
        text = text.slice(block.length);
        const whole = Uint8Array.from(block, (char) => char.charCodeAt(0));
        const sum = whole.reduce((total, byte) => total + byte, 0) & 0xff;
        if (whole[0] === head && sum === 0) frames.push({ code: 0, data: whole, bytes: whole });
        else rejections.push({ rejected: 'checksum', bytes: whole });
      }
      if (text.length > longest) {
        rejections.push({ rejected: 'noise', detail: `${text.length} bytes` });
        text = '';
      }
      return { frames, rejections };
    },
    reset: () => ({ frames: [], rejections: [] }),
  };
}

/** The values of a block by their labels. */
function valuesOf({ data }) {
  const lines = String.fromCharCode(...data).split('\r\n');
  return Object.fromEntries(lines.map((line) => line.split('\t')).filter((pair) => pair.length === 2));
}

/** What a block says. A value that is not there, or `---`, is left out. */
function decode(frames) {
  const frame = frames.at(-1);
  if (!frame) return { rejected: 'too short', detail: 'no block' };
  const values = valuesOf(frame);
  const number = (label, scale) => {
    const value = Number(values[label] ?? Number.NaN);
    return Number.isFinite(value) ? value / scale : undefined;
  };
  const flags = number('AR', 1);
  const voltage = number('V', 1000);
  const current = number('I', 1000);
  const fields = {
    voltage,
    current,
    power: voltage !== undefined && current !== undefined ? Math.round(voltage * current * 100) / 100 : undefined,
    state_of_charge: number('SOC', 10),
    temperature: number('T', 1),
    alarms: flags === undefined ? undefined : alarms.filter((_, bit) => (flags >> bit) & 1),
    alarm_flags: flags,
    firmware: values.FW,
  };
  return { fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) };
}

const block = { what: 'a block of values', accepts: () => true };

export const codec = {
  name: 've-direct',
  family: 've-direct',
  summary: 'Victron battery monitors on their VE.Direct port',
  parser,
  reading: { requests: () => [block], decode },
  probes: () => [{ request: block, options: {} }],
  timing: { response: 3000, gap: 0, torn: 2000 },
  serial: { baudRate: 19200, dataBits: 8, parity: 'none', stopBits: 1 },
};
