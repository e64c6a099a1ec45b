// The floor: reads NDJSON from stdin in chunks, parses every line, does nothing with it.
let rest = '';
let count = 0;
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) {
  const text = rest + chunk;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    JSON.parse(text.slice(start, end));
    count++;
    start = end + 1;
  }
  rest = text.slice(start);
}
if (rest !== '') {
  JSON.parse(rest);
  count++;
}
process.stderr.write(`${count} lines\n`);
