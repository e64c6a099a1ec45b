import { join } from 'node:path';
import type { VoltRecord } from '../records/record.ts';
import type { AnyDefinition } from './command.ts';
import { flagOf } from './common-options.ts';
import type { Context } from './context.ts';
import { fail } from './exit.ts';
import { keepState } from './kept-state.ts';
import { takeLock } from './lock.ts';
import { ensureDirectory } from './paths.ts';
import { createQueue } from './queues.ts';
import { findSecret } from './secrets.ts';
import type { Services, StageSetup } from './services.ts';
import type { StageWiring } from './stage.ts';
import { createState } from './state-file.ts';
import { createTimers } from './timer-input.ts';

/** Makes a command's view of the world out of what the process shares and what its stage has. */
export function createContext(
  definition: AnyDefinition,
  setup: StageSetup,
  services: Services,
  wiring: StageWiring,
): Context {
  const { settings, log } = setup;
  const { clock } = services;
  /** Those of the last reload: where secrets are looked for. */
  let current = settings;

  return {
    name: setup.name,
    args: settings.args,
    opts: settings.opts as Context['opts'],
    once: settings.common.once === true,
    input: wiring.input,
    signal: setup.stop.signal,
    deadline: setup.deadline.signal,
    log,
    clock,
    get dataDir() {
      return ensureDirectory(settings.dataDir);
    },
    runtimeDir: services.runtimeDir,
    configFiles: settings.sources,
    written: wiring.written,
    delivered: wiring.delivered,
    onDelivered: wiring.onDelivered,
    breakOff: (error) => setup.breakOff?.(error),
    atEnd: (fn) => void setup.atEnd.push(fn),
    get upstreamWaits() {
      return wiring.upstreamWaits();
    },
    text: wiring.textOf,
    reject: (why, line) => setup.reject(why, line ?? wiring.currentLine()),
    queue: (options) => createQueue({ source: setup.name, ...options }, clock, (record) => wiring.dropped(record)),
    timers: (input: AsyncIterable<VoltRecord>) => createTimers(input, clock),
    state<T>(name: string) {
      const path = join(settings.dataDir, `${name}.json`);
      return createState<T>(
        path,
        (why) => log.error(why),
        (snapshot, save, stretch) =>
          keepState({ wiring, clock, log, atEnd: setup.atEnd as (() => Promise<void>)[], snapshot, save, stretch }),
      );
    },
    async lock(name, where = 'runtime') {
      const folder = where === 'data' ? settings.dataDir : services.runtimeDir;
      const path = join(folder, name.replaceAll(/[^\w.-]/g, '_'));
      const unlock = await takeLock(path);
      // One that is taken and given back all day must leave nothing behind.
      const release = async (): Promise<void> => {
        const index = setup.atEnd.indexOf(release);
        if (index >= 0) setup.atEnd.splice(index, 1);
        await unlock();
      };
      setup.atEnd.push(release);
      return release;
    },
    self: [process.execPath, process.argv[1] ?? ''],
    spawn: (argv, options = {}) => services.spawn(argv, { ...options, env: { ...settings.handedOn, ...options.env } }),
    async secret(name) {
      const spec = definition.options[name];
      if (!spec) throw new Error(`${definition.name} declares no secret ${name}`);
      if (settings.secretFiles[name] === '-' && definition.input === 'required') {
        throw fail('usage', `${flagOf(name, spec)} -: stdin brings the records`, 'Name a file.');
      }
      const value = findSecret(name, spec, current, settings.secretFiles[name]);
      if (value !== undefined && !spec.open) services.redactor.add(value);
      return value;
    },
    redact: (secret) => services.redactor.add(secret),
    listen(path, handler) {
      if (!services.http) throw fail('usage', `${path} needs a listener`, 'Add --http PORT.');
      services.http.add(path, handler);
    },
    metric: (name, help) => services.metrics.metric(definition.name, name, help),
    alive: setup.health.alive,
    unready: setup.health.unready,
    onReload(fn) {
      services.onReload(async () => {
        const before = current;
        try {
          current = await setup.resettle();
          await fn(current.opts as Context['opts']);
          log.info('configuration taken up');
        } catch (error) {
          current = before;
          log.error(`configuration kept as it was: ${(error as Error).message}`);
        }
      });
    },
    screen: services.screen,
  };
}
