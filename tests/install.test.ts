import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { root, shell, temporaryFolder } from './support/shell.ts';

/** Programs that turn source into native code, or that node-gyp needs. */
const compilers =
  /^(cc|c\+\+|c\d\d(-.*)?|cpp.*|gcc.*|g\+\+.*|clang.*|make|cmake|node-gyp|python.*|pip.*|.*-(gcc|g\+\+|cpp)(-\d+)?|tcc|zig)$/;

/** A PATH as on a small machine: every program that is here but the compilers and python. */
function pathWithoutCompilers(): string {
  const folder = temporaryFolder('path');
  const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin', dirname(process.execPath)];
  for (const from of folders) {
    let names: string[] = [];
    try {
      names = readdirSync(from);
    } catch {
      continue;
    }
    for (const name of names.filter((one) => !compilers.test(one))) {
      try {
        symlinkSync(join(from, name), join(folder, name));
      } catch {
        // The first folder wins.
      }
    }
  }
  return folder;
}

describe('installs with no compiler and no python', () => {
  const home = temporaryFolder('install');
  const tree = join(home, 'tree');
  const env = {
    ...process.env,
    PATH: pathWithoutCompilers(),
    HOME: home,
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    npm_config_prefix: join(home, 'prefix'),
  };
  for (const name of Object.keys(env)) if (name.startsWith('NODE_TEST')) delete (env as NodeJS.ProcessEnv)[name];
  const run = (line: string, cwd = tree) => shell(line, { cwd, env, limit: 300_000 });
  const succeed = async (line: string, cwd = tree): Promise<string> => {
    const got = await run(line, cwd);
    assert.equal(got.status, 0, `${line}\n${got.stdout.slice(-3000)}\n${got.stderr.slice(-3000)}`);
    return got.stdout;
  };

  before(() => {
    mkdirSync(tree);
    const files = trackedFiles();
    for (const file of files) cpSync(join(root, file), join(tree, file), { recursive: true });
  });

  test('PATH holds no compiler and no python', async () => {
    const got = await run('command -v cc gcc g++ make python python3', home);
    assert.equal(got.stdout, '');
  });

  test('npm ci, then a test of the suite by npm test', async () => {
    await succeed('npm ci');
    await succeed('npm test -- tests/architecture');
  });

  test('npm run demo', async () => {
    const out = await succeed('npm run demo -- --duration 8s 2>&1');
    assert.match(out, /ABRP/);
  });

  test('the packed tarball installs globally, and its commands run', async () => {
    await succeed('npm pack');
    const bin = join(home, 'prefix/bin');
    await succeed('npm install -g ./voltpipe-*.tgz');
    assert.match(await succeed(`${bin}/voltpipe --version`, home), /^\d+\.\d+\.\d+\n$/);
    assert.match(await succeed(`${bin}/normalize --help`, home), /^normalize: /);
    const passed = await succeed(`echo '{"type":"other","time":"2026-03-01T12:00:00.000Z"}' | ${bin}/normalize`, home);
    assert.equal(passed, '{"type":"other","time":"2026-03-01T12:00:00.000Z"}\n');
    const loader = join(home, 'prefix/lib/node_modules/voltpipe/dist/load.cjs');
    const cached = `const l = require('${loader}'); l.scriptOf('normalize', l.cacheOf('normalize')).cachedDataRejected`;
    assert.equal(await succeed(`node -p "${cached}"`, home), 'false\n', 'the code cache is in the package');
    const pages = await succeed('ls prefix/share/man/man1', home);
    assert.match(pages, /normalize\.1/);
  });

  test('noble loads in its child, and tells the state of an adapter that is not there', async () => {
    const child = join(home, 'prefix/lib/node_modules/voltpipe/dist/ble-child.cjs');
    const script = `const c=require('child_process').fork(${JSON.stringify(child)});c.on('message',(m)=>{console.log(JSON.stringify(m));c.send({do:'end'})})`;
    assert.match(await succeed(`node -e ${JSON.stringify(script)}`, home), /"say":"state","state":"\w+"/);
  });
});

/** The files of a checkout, as git or the folder itself knows them. */
function trackedFiles(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
    return listed.split('\n').filter((file) => file !== '');
  } catch {
    return readdirSync(root).filter((name) => !['node_modules', 'dist', 'build'].includes(name));
  }
}
