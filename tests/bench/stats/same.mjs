// Compares what stats.jq says with what stats says: `node same.mjs stats.ndjson jq.ndjson`. Every figure of the peer must be there.
import { readFileSync } from 'node:fs';

const [ours, theirs] = process.argv.slice(2).map((file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line)),
);
const near = (a, b) => (typeof a === 'number' ? Math.abs(a - b) <= 0.06 + Math.abs(b) * 1e-4 : a === b);
let wrong = 0;
for (const peer of theirs) {
  const record = ours.findLast(({ device_id }) => device_id === peer.device_id);
  for (const [key, value] of Object.entries(peer)) {
    if (near(record?.[key], value)) continue;
    wrong++;
    console.error(`${peer.device_id} ${key}: ${record?.[key]}, the peer says ${value}`);
  }
}
if (wrong > 0) process.exitCode = 1;
