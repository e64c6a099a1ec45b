/** How a far side that gets a stream of bytes tells one record from the next. */
export type FrameName = 'lf' | 'crlf' | 'nul' | 'length' | 'octets' | 'json-seq' | 'none';

/** One way to put texts into a stream. */
interface Frame {
  summary: string;
  bytes(payloads: readonly string[]): Buffer;
}

const around =
  (before: string, after: string): Frame['bytes'] =>
  (payloads) =>
    Buffer.from(payloads.length === 0 ? '' : before + payloads.join(after + before) + after, 'utf8');

const counted =
  (head: (length: number) => Buffer): Frame['bytes'] =>
  (payloads) =>
    Buffer.concat(
      payloads.flatMap((payload) => {
        const body = Buffer.from(payload, 'utf8');
        return [head(body.length), body];
      }),
    );

const fourBytes = (length: number): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return head;
};

/** The table of them. */
export const frames: Readonly<Record<FrameName, Frame>> = {
  lf: { summary: 'a line feed behind each', bytes: around('', '\n') },
  crlf: { summary: 'carriage return and line feed behind each', bytes: around('', '\r\n') },
  nul: { summary: 'a zero byte behind each', bytes: around('', '\0') },
  length: { summary: 'before each its length in bytes, 4 bytes, the highest first', bytes: counted(fourBytes) },
  octets: {
    summary: 'before each its length in bytes as decimal digits and a space, as syslog does over TCP (RFC 6587)',
    bytes: counted((length) => Buffer.from(`${length} `)),
  },
  'json-seq': {
    summary: 'a record separator before each and a line feed behind it (RFC 7464)',
    bytes: around('\x1e', '\n'),
  },
  none: { summary: 'nothing at all: one datagram or message each', bytes: around('', '') },
};
