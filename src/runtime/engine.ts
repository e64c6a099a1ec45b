import { setFlagsFromString } from 'node:v8';

/** Versions of Node whose V8 has these flags: another one would print its complaint on stderr. */
const isKnown = (): boolean => {
  const major = Number(process.versions.node.split('.')[0]);
  return major >= 20 && major <= 24;
};

/**
 * Keeps the room for young objects as small as it is now (1 to 4 MiB; it would grow to 16, and there are two of it): a third less
 * memory, for a tenth of the speed. What V8 keeps ready of its own code is refused afterwards: call it when all is loaded.
 */
export function keepYoungSmall(): void {
  if (isKnown()) setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * WebAssembly that is compiled from now on is compiled once, quickly. The optimising compiler takes 30 MB for a parser of HTTP that
 * has no more to read than short answers.
 */
export function compileWasmOnce(): void {
  if (isKnown()) setFlagsFromString('--liftoff-only');
}
