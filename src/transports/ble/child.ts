import { loadNoble } from './child-noble.ts';
import { TroubleError } from './child-race.ts';
import { createRadio, type Radio } from './child-radio.ts';
import type { FromChild, ToChild } from './messages.ts';

/*
 * The process that loads noble, so that a native call that blocks, an abort at exit, a promise that never settles or a stray line on
 * stdout stays its own. Its parent speaks to it by messages, and puts another in its place whenever it is in doubt.
 */

/** Letting go of scan and connections may take so long. */
const endWait = 1500;

const tell = (message: FromChild): void => {
  if (process.connected) process.send?.(message);
};

// noble prints its warnings on stdout.
console.log = console.error;
console.info = console.error;

let radio: Radio | undefined;
let ending = false;

/** Leaves nothing on in the controller, then ends; noble alone would never let the process end. */
function end(status: number): void {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(status), endWait).unref();
  const over = (): never => process.exit(status);
  (radio?.end() ?? Promise.resolve()).then(over, over);
}

function fail(error: unknown): void {
  const { message, code } = error as NodeJS.ErrnoException;
  tell({ say: 'failed', reason: message ?? String(error), ...(code !== undefined && { code: String(code) }) });
  end(1);
}

const onInterrupt = (): void => end(130);

/** Makes our handler the last one: noble's would exit at once if it were. */
function ownInterrupt(): void {
  process.off('SIGINT', onInterrupt);
  process.on('SIGINT', onInterrupt);
}

process.on('SIGINT', onInterrupt);
process.on('SIGTERM', () => end(143));
// Whether a hang-up is an end, its parent decides.
process.on('SIGHUP', () => {});
process.on('disconnect', () => end(0));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

process.on('message', (message: ToChild) => {
  if (message.do === 'end') return end(0);
  const { request } = message;
  const handled = radio?.handle(message) ?? Promise.reject(new TroubleError('failed', 'no radio yet'));
  handled.then(
    (value) => tell({ say: 'answer', request, ...(value && { value }) }),
    (error) => {
      const trouble = error instanceof TroubleError ? error.trouble : undefined;
      tell({
        say: 'trouble',
        request,
        trouble: trouble ?? { kind: 'failed', reason: (error as Error).message, tainted: true },
      });
    },
  );
});

loadNoble(process.env.VOLTPIPE_BLE_DRIVER).then((noble) => {
  radio = createRadio(noble, tell);
  noble.on('stateChange', ownInterrupt);
}, fail);
