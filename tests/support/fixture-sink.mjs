// A sink for the tests of spool: keeps each line in a file, then acknowledges it, then notes that it did.
//
//   node tests/support/fixture-sink.mjs FILE [LINES AN ACKNOWLEDGEMENT] [EXIT STATUS AFTER SO MANY LINES:STATUS]
import { openSync, writeSync } from 'node:fs';

const [file, batch = '1', failing = ''] = process.argv.slice(2);
const [failAfter, status] = failing.split(':').map(Number);
const fd = Number(process.env.VOLTPIPE_ACK_FD);
const out = openSync(file, 'a');
const say = (text) => {
  try {
    writeSync(fd, text);
  } catch {
    process.exit(0);
  }
};

say('0\n');
let rest = '';
let count = 0;
let acknowledged = 0;
const acknowledge = (line) => {
  if (count === acknowledged) return;
  acknowledged = count;
  say(`${count}\n`);
  writeSync(out, `ack ${line}\n`);
};
let last = '';
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    last = line;
    writeSync(out, `got ${line}\n`);
    if (++count % Number(batch) === 0) acknowledge(line);
    if (count === failAfter) process.exit(status);
  }
});
process.stdin.on('end', () => acknowledge(last));
process.on('SIGTERM', () => {});
