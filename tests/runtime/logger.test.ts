import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFields } from '../../src/runtime/log.ts';
import { createLog, createRedactor, type LogStyle, showDuration } from '../../src/runtime/logger.ts';
import { fakeClock } from '../support/clock.ts';

const esc = String.fromCharCode(27);

const paint: LogStyle['paint'] = (level, line) => `[${level} ${line}]`;

function logger(style: Partial<LogStyle> = {}) {
  const lines: string[] = [];
  const clock = fakeClock();
  const redactor = createRedactor();
  const log = createLog(
    'cmd',
    { level: 'info', format: 'text', journal: false, ...style },
    { write: (line) => void lines.push(line), clock, redactor },
  );
  return { log, lines, clock, redactor };
}

test('levels: what is below the threshold is silent, and each is told apart (HAWK-64, HAWK-137)', () => {
  const said = (level: LogStyle['level']): string[] => {
    const { log, lines } = logger({ level });
    log.debug('detail');
    log.info('connected');
    log.warn('no answer');
    log.error('token file: cannot be read');
    return lines;
  };
  const all = [
    'cmd: debug: detail\n',
    'cmd: connected\n',
    'cmd: warning: no answer\n',
    'cmd: token file: cannot be read\n',
  ];
  assert.deepEqual(said('debug'), all);
  assert.deepEqual(said('info'), all.slice(1));
  assert.deepEqual(said('warn'), all.slice(2));
  assert.deepEqual(said('error'), all.slice(3));
});

test('fields follow in parentheses, quoted when they are more than a word; absent ones are left out', () => {
  const { log, lines } = logger();
  log.info('read', { device: 'AA:BB', name: 'my "pack" ü', n: 3, ok: true, none: undefined });
  assert.deepEqual(lines, ['cmd: read (device=AA:BB, name="my \\"pack\\" ü", n=3, ok=true)\n']);
});

test('the journal gets a priority before every line, and no colour', () => {
  const { log, lines } = logger({ level: 'debug', journal: true });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d\nsecond line');
  assert.deepEqual(lines, ['<7>cmd: debug: a\n', '<6>cmd: b\n', '<4>cmd: warning: c\n', '<3>cmd: d\n<3>second line\n']);
});

test('a terminal gets colours for what stands out', () => {
  const { log, lines } = logger({ paint });
  log.info('plain');
  log.warn('yellow');
  log.error('red');
  assert.deepEqual(lines, ['[info cmd: plain]\n', '[warn cmd: warning: yellow]\n', '[error cmd: red]\n']);
});

test('--log-format json gives one JSON object a line (BMW-48)', () => {
  const { log, lines } = logger({ format: 'json', paint, journal: true });
  log.warn('no\nanswer', { broker: 'h:1', tries: 3, text: `a"b${esc}` });
  assert.equal(lines.length, 1);
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: '2026-03-01T12:00:00.000Z',
    level: 'warn',
    command: 'cmd',
    message: 'no\nanswer',
    broker: 'h:1',
    tries: 3,
    text: `a"b${esc}`,
  });
  assert.equal(lines[0]!.indexOf('\n'), lines[0]!.length - 1);
});

test('a field cannot pass for the time, the level, the command or the message', () => {
  const { log, lines } = logger({ format: 'json' });
  log.info('real', { level: 'fake', command: 'fake', message: 'fake', time: 'fake' });
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: '2026-03-01T12:00:00.000Z',
    level: 'info',
    command: 'cmd',
    message: 'real',
  });
});

test('control characters of foreign text never reach a terminal', () => {
  const { log, lines } = logger();
  const nasty = `x${esc}[2J\u0007\r\u0000\u009b31m\u2028y`;
  log.info(nasty, { field: nasty });
  log.info('one line', { field: 'a\nb' });
  assert.deepEqual(lines, ['cmd: x[2J31my (field="x[2J31my")\n', 'cmd: one line (field="a b")\n']);
});

const secrets: [string, string, string][] = [
  ['a registered secret', 'sent s3cr3t-token to h', 'sent [redacted] to h'],
  ['a VIN, all but its last four', 'car WBA12345678901234 parked', 'car VIN…1234 parked'],
  ['a VIN inside a file name', 'bmw_WBA12345678901234.json', 'bmw_VIN…1234.json'],
  ['a VIN in a topic', '0001/WBA12345678901234/x', '0001/VIN…1234/x'],
  ['a token in a URL', 'GET https://h/x?token=abc&y=1', 'GET https://h/x?token=[redacted]&y=1'],
  ['an api_key in a URL', 'https://h/x?a=1&api_key=abc', 'https://h/x?a=1&api_key=[redacted]'],
  ['a password in a URL', 'mqtts://user:hunter2@h:8883/x', 'mqtts://user:[redacted]@h:8883/x'],
];
for (const [what, message, shown] of secrets) {
  test(`redaction: ${what} (BMW-48)`, () => {
    for (const style of [{}, { format: 'json' as const }]) {
      const { log, lines, redactor } = logger(style);
      redactor.add('s3cr3t-token');
      log.info(message, { field: message });
      if (style.format) {
        const { message: said, field } = JSON.parse(lines[0]!);
        assert.deepEqual([said, field], [shown, shown]);
      } else assert.ok(lines[0]!.startsWith(`cmd: ${shown} (`) && lines[0]!.split(shown).length === 3, lines[0]);
    }
  });
}

test('words that only look like a VIN stay', () => {
  const { log, lines } = logger();
  log.info('12345678901234567 ABCDEFGHJKLMNPRST WBA123456789012345 IOQ12345678901234');
  assert.deepEqual(lines, ['cmd: 12345678901234567 ABCDEFGHJKLMNPRST WBA123456789012345 IOQ12345678901234\n']);
});

test('a secret that begins with another is redacted whole, and one with quotes too, in either form', () => {
  for (const format of ['text', 'json'] as const) {
    const { log, lines, redactor } = logger({ format });
    for (const secret of ['abcdef', 'abcdefghi', 'quo"te\\d!']) redactor.add(secret);
    const fields: LogFields = { a: 'abcdefghi', b: 'x quo"te\\d! y' };
    log.info('it is abcdefghi and quo"te\\d!', fields);
    assert.doesNotMatch(lines[0]!, /ghi|te\\/);
    assert.equal(lines[0]!.split('[redacted]').length, 5);
  }
});

test('an outage is told once when it begins and once when it is over, with its length (HAWK-138)', async () => {
  const { log, lines, clock } = logger({ level: 'debug' });
  log.recovered('broker', 'connected');
  log.lost('broker', 'broker gone');
  await clock.advance(60_000);
  log.lost('broker', 'broker gone');
  log.lost('other', 'no disk');
  await clock.advance(300_000);
  log.recovered('broker', 'connected again', { url: 'h' });
  log.recovered('broker', 'connected again');
  log.lost('broker', 'broker gone');
  assert.deepEqual(lines, [
    'cmd: warning: broker gone\n',
    'cmd: debug: broker gone\n',
    'cmd: warning: no disk\n',
    'cmd: connected again (url=h, after="6 min")\n',
    'cmd: warning: broker gone\n',
  ]);
});

test('lengths of time are shown as people say them', () => {
  const shown: [number, string][] = [
    [15, '15 ms'],
    [90_000, '90 s'],
    [600_000, '10 min'],
    [7_200_000, '2 h'],
    [259_200_000, '3 d'],
  ];
  for (const [ms, text] of shown) assert.equal(showDuration(ms), text);
});

test('--log-file gets every line with its time, readable for the group at most (HAWK-65, HAWK-66, HAWK-139)', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'voltpipe-log-')), 'x.log');
  const { log, lines, redactor } = logger({ file, paint });
  redactor.add('s3cr3t-token');
  log.info('up');
  log.warn('down s3cr3t-token');
  assert.equal(lines.length, 2);
  assert.equal(
    readFileSync(file, 'utf8'),
    '2026-03-01T12:00:00.000Z INFO cmd: up\n2026-03-01T12:00:00.000Z WARN cmd: warning: down [redacted]\n',
  );
  assert.equal(statSync(file).mode & 0o007, 0);
});
