// Whether the peers' programs do the same work: compares the records of two NDJSON files, key order aside.
// `node same.mjs normalize.ndjson peer.ndjson`
import { readFileSync } from 'node:fs';

const read = (file) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.stringify(Object.entries(JSON.parse(line)).sort(([a], [b]) => (a < b ? -1 : 1))));

const [ours, theirs] = process.argv.slice(2).map(read);
const at = ours.findIndex((line, i) => line !== theirs[i]);
if (at >= 0 || ours.length !== theirs.length) {
  console.error(`differ at record ${at + 1} of ${ours.length} and ${theirs.length}:\n${ours[at]}\n${theirs[at]}`);
  process.exitCode = 1;
}
