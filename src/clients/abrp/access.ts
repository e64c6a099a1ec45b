import { readConfigFile } from '../../runtime/config.ts';
import { fail } from '../../runtime/exit.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** Where key and tokens may come from. */
export interface AccessSources {
  apiKey: string | undefined;
  /** The token of a single vehicle. */
  userToken: string | undefined;
  /** Tokens by VIN. */
  tokens: Readonly<Record<string, string>> | undefined;
  /** A YAML or JSON file with further ones. */
  tokensFile: string | undefined;
  /** The vehicles to push; none: all. */
  vins: readonly string[];
  redact(secret: string): void;
}

/** Key and tokens. */
export interface Access {
  apiKey: string;
  tokens: Tokens;
}

/**
 * Brings key and tokens together.
 *
 * @throws exit status 78 with all that is missing
 */
export async function findAccess(sources: AccessSources): Promise<Access> {
  const { apiKey, userToken, tokensFile, vins, redact } = sources;
  const byVin = { ...sources.tokens, ...(tokensFile === undefined ? {} : await tokensIn(tokensFile)) };
  for (const token of Object.values(byVin)) redact(token);
  const tokens = createTokens(byVin, userToken, vins);
  const problems: string[] = [];
  if (apiKey === undefined) problems.push('no API key: set abrp.apiKey, VOLTPIPE_ABRP_API_KEY or --api-key-file');
  if (tokens.vehicles === 0) {
    problems.push('no user token: set abrp.userToken, VOLTPIPE_ABRP_USER_TOKEN, --user-token-file or abrp.tokens');
  }
  if (apiKey === undefined || problems.length > 0) throw fail('config', problems.join('\n'));
  return { apiKey, tokens };
}

async function tokensIn(file: string): Promise<Record<string, string>> {
  const { tree } = await readConfigFile(file).catch((error: Error) => {
    throw fail('config', `--tokens-file ${error.message}`);
  });
  const wrong = Object.keys(tree).filter((vin) => typeof tree[vin] !== 'string' || tree[vin] === '');
  if (wrong.length > 0) throw fail('config', `--tokens-file ${file}: ${wrong.join(', ')}: expected a token`);
  return tree as Record<string, string>;
}
