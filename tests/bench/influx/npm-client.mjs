// What one would write with the client `influx` of npm: node npm-client.mjs PORT DATABASE < records.ndjson
import { createInterface } from 'node:readline';
import { InfluxDB } from 'influx';

const [port, database] = process.argv.slice(2);
const client = new InfluxDB({ host: '127.0.0.1', port: Number(port), database });
let points = [];
const flush = async () => {
  const batch = points;
  points = [];
  if (batch.length > 0) await client.writePoints(batch, { precision: 'ms' });
};
for await (const text of createInterface({ input: process.stdin })) {
  const { type, time, vin, ...fields } = JSON.parse(text);
  points.push({ measurement: type, tags: { vin }, fields, timestamp: Date.parse(time) });
  if (points.length >= 5000) await flush();
}
await flush();
