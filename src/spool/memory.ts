import { type Frame, readFrame } from './frame.ts';
import type { Chunk, Limits, Reader } from './reader.ts';
import type { Group, Writer } from './writer.ts';

/** Records of a group from `wanted` on. */
function linesFrom(
  { text }: Group,
  wanted: number,
  { upTo = Number.POSITIVE_INFINITY, lines = Number.POSITIVE_INFINITY }: Limits,
): Chunk | undefined {
  const bytes = Buffer.from(text);
  const found: Frame = { seq: 0, json: 0 };
  const parts: Buffer[] = [];
  let first = 0;
  let last = 0;
  for (let start = 0, end = bytes.indexOf(10); end >= 0 && parts.length < lines; end = bytes.indexOf(10, start)) {
    if (readFrame(bytes, start, end, found) && found.seq >= wanted && found.seq <= upTo) {
      first ||= found.seq;
      last = found.seq;
      parts.push(bytes.subarray(found.json, end + 1));
    }
    start = end + 1;
  }
  return parts.length > 0 ? { bytes: Buffer.concat(parts), lines: parts.length, first, last } : undefined;
}

/** A reader that goes on with what waits in memory when the disk takes nothing any more: a broken card must not silence a car. */
export function withMemory(reader: Reader, writer: Pick<Writer, 'stuck'>): Reader {
  return {
    get wanted() {
      return reader.wanted;
    },
    seek: (seq) => reader.seek(seq),
    missing: reader.missing,
    async next(limits = {}) {
      const before = writer.stuck() ?? [];
      const onDisk = await reader.next(limits);
      if (onDisk) return onDisk;
      const now = new Set(writer.stuck());
      for (const group of before) {
        if (group.first + group.records <= reader.wanted) continue;
        // It was written or given up since: the next look tells.
        if (!now.has(group)) return undefined;
        // Given up on a disk that could not even take the name of their gap.
        if (group.first > reader.wanted) return reader.missing(Math.min(group.first - 1, limits.upTo ?? group.first));
        const chunk = linesFrom(group, reader.wanted, limits);
        if (!chunk) continue;
        await reader.seek(chunk.last + 1);
        return chunk;
      }
      return undefined;
    },
    close: () => reader.close(),
  };
}
