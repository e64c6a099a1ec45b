import type { MqttFailure } from '../../transports/mqtt/failure.ts';

/** Which version of MQTT to speak with a broker that nobody knows yet. */
export interface VersionChoice {
  readonly version: 4 | 5;
  /** An attempt has failed, and none had succeeded before. True: the next one is worth making at once. */
  failed(why: MqttFailure): Promise<boolean>;
}

/** Protocol version not supported, in MQTT 3.1.1 and 5. */
const unknownVersion: ReadonlySet<number> = new Set([1, 132]);

/**
 * Begins with 5 and stays there until a broker has proved that it is older: by the code for it, or by closing twice on 5 (or answering
 * what is not MQTT 5) while it answers 3.1.1 in between. One close proves nothing: a proxy closes, too, as long as the broker behind it
 * is starting, and over 3.1.1 nobody would be told of a refused message from then on.
 *
 * @param answersOld whether anybody answers MQTT 3.1.1 at this moment
 */
export function chooseVersion(wanted: 'auto' | 4 | 5, answersOld: () => Promise<boolean>): VersionChoice {
  let version: 4 | 5 = wanted === 'auto' ? 5 : wanted;
  let suspected = false;
  return {
    get version() {
      return version;
    },
    async failed({ kind, code }) {
      if (wanted !== 'auto') return false;
      const spoken = version;
      const doubted = suspected;
      version = 5;
      suspected = false;
      if (spoken === 4) return false;
      const proved = kind === 'refused' && unknownVersion.has(code ?? 0);
      const closed = kind === 'closed' || kind === 'protocol';
      if (proved || (closed && doubted)) {
        version = 4;
        return true;
      }
      if (closed) suspected = await answersOld();
      return suspected;
    },
  };
}
