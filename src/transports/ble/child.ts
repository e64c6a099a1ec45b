/**
 * The process that loads noble, so that a native call that blocks, an abort at exit or a stray line on stdout stays its own. It
 * speaks to its parent by messages and tells the adapter's state.
 */
async function main(): Promise<void> {
  const { default: noble } = await import('@abandonware/noble');
  noble.on('stateChange', (state) => process.send?.({ state }));
  process.send?.({ loaded: true });
  process.on('message', (message) => {
    if (message === 'end') process.exit(0);
  });
  process.on('disconnect', () => process.exit(0));
}

void main();
