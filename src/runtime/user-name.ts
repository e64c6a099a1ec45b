/**
 * Who we say we are, the same way for every far side: `--username NAME`, or `--username-file` and the other places of a secret, so that it
 * can stand beside the password.
 *
 * @param key in the configuration: `mqtt.username`
 * @param env further environment names
 */
export const userNameOptions = (key: string, summary: string, env: readonly string[] = []) =>
  ({
    user: { type: 'string', flag: 'username', value: 'NAME', summary },
    username: { type: 'secret', open: true, key, env, summary },
  }) as const;

/** The name that was said, else the one that was kept somewhere; undefined: none. */
export async function userNameOf(ctx: {
  opts: { user: string | undefined };
  secret(name: 'username'): Promise<string | undefined>;
}): Promise<string | undefined> {
  return (ctx.opts.user ?? (await ctx.secret('username'))) || undefined;
}
