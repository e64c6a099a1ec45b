import { isAscii, isUtf8 } from 'node:buffer';
import { notARecord, type VoltRecord } from '../records/record.ts';
import type { Batch } from './batch.ts';

/** Why a line was not taken as a record. */
export interface BadLine {
  line: number;
  why: string;
}

/** What a chunk of bytes held. */
export interface Parsed extends Batch {
  bad: BadLine[];
  /** Lines read so far, of whatever kind. */
  seen: number;
}

/** How lines are read. */
export interface ParserOptions {
  /** Longest line in bytes. */
  maxLine: number;
  /** Objects without a `type` are taken too. */
  untyped: boolean;
}

/** Of a line, in bytes. */
export const longestLine = 1024 * 1024;

const newline = 0x0a;

/**
 * Parses NDJSON chunk by chunk: UTF-8, `\n` or `\r\n`, a byte-order mark is dropped, blank lines are skipped, the last line needs
 * no newline. A line that is not a record is reported with its number and costs nothing else; a line above the limit is never
 * held in memory.
 */
export function createParser(options: ParserOptions): { push(chunk: Buffer): Parsed; end(): Parsed } {
  let carry: Buffer[] = [];
  let carried = 0;
  let tooLong = false;
  let lineNumber = 0;
  /** Whether the lines of this chunk can be written as the bytes that they came in. */
  let exact = true;

  const keep = (rest: Buffer): void => {
    if (rest.length === 0 || tooLong) return;
    if (carried + rest.length > options.maxLine) {
      tooLong = true;
      carry = [];
      carried = 0;
      return;
    }
    carry.push(rest);
    carried += rest.length;
  };

  const take = (text: string, out: Parsed): void => {
    lineNumber++;
    let line = text;
    if (lineNumber === 1 && line.charCodeAt(0) === 0xfeff) {
      line = line.slice(1);
      exact = false;
    }
    if (line.charCodeAt(line.length - 1) === 13) {
      line = line.slice(0, -1);
      exact = false;
    }
    let record: VoltRecord;
    try {
      record = JSON.parse(line);
    } catch (error) {
      exact = false;
      if (line.trim() !== '') out.bad.push({ line: lineNumber, why: `not JSON: ${(error as Error).message}` });
      return;
    }
    const why = notARecord(record, options.untyped);
    if (why) {
      exact = false;
      out.bad.push({ line: lineNumber, why });
      return;
    }
    out.items.push(record);
    out.texts.push(line);
    out.lines.push(lineNumber);
  };

  const refuse = (why: string, out: Parsed): void => {
    lineNumber++;
    exact = false;
    out.bad.push({ line: lineNumber, why });
  };

  /** Whole lines, valid UTF-8. */
  const takeText = (text: string, out: Parsed): void => {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      take(text.slice(start, end), out);
      start = end + 1;
    }
  };

  /** Whole lines of which some are not UTF-8 or too long: each for itself. */
  const takeBytes = (bytes: Buffer, out: Parsed): void => {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(newline, start);
      const line = bytes.subarray(start, end);
      if (line.length > options.maxLine) refuse(`longer than ${options.maxLine} bytes`, out);
      else if (isUtf8(line)) take(line.toString('utf8'), out);
      else refuse('not UTF-8', out);
      start = end + 1;
    }
  };

  const takeWhole = (bytes: Buffer, out: Parsed): void => {
    if (bytes.length - 1 > options.maxLine) takeBytes(bytes, out);
    else if (isAscii(bytes)) takeText(bytes.toString('latin1'), out);
    else if (isUtf8(bytes)) takeText(bytes.toString('utf8'), out);
    else takeBytes(bytes, out);
  };

  const finishCarried = (rest: Buffer, out: Parsed, raw: Buffer[]): void => {
    keep(rest);
    if (tooLong) refuse(`longer than ${options.maxLine} bytes`, out);
    else {
      const line = Buffer.concat([...carry, Buffer.of(newline)]);
      takeWhole(line, out);
      raw.push(line);
    }
    carry = [];
    carried = 0;
    tooLong = false;
  };

  return {
    push(chunk) {
      const out: Parsed = { items: [], texts: [], lines: [], bad: [], raw: undefined, seen: lineNumber };
      const raw: Buffer[] = [];
      let start = 0;
      exact = true;
      if (carried > 0 || tooLong) {
        const end = chunk.indexOf(newline);
        if (end < 0) {
          keep(chunk);
          return out;
        }
        finishCarried(chunk.subarray(0, end), out, raw);
        start = end + 1;
      }
      const last = chunk.lastIndexOf(newline);
      if (last >= start) {
        const whole = chunk.subarray(start, last + 1);
        takeWhole(whole, out);
        raw.push(whole);
      }
      keep(chunk.subarray(Math.max(start, last + 1)));
      if (exact) out.raw = raw;
      out.seen = lineNumber;
      return out;
    },
    end() {
      const out: Parsed = { items: [], texts: [], lines: [], bad: [], seen: lineNumber };
      if (carried > 0 || tooLong) finishCarried(Buffer.alloc(0), out, []);
      out.seen = lineNumber;
      return out;
    },
  };
}
