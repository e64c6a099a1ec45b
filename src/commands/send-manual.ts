import { frames } from '../clients/send/frames.ts';
import type { ManualSection } from '../runtime/command.ts';

/** The longer part of send(1). */
export const sendSections: readonly ManualSection[] = [
  {
    title: 'FRAMES',
    text: `How the far side tells one record from the next (--frame): on tcp, tls, serial and in files lf unless said, in UDP datagrams and WebSocket messages none.

${Object.entries(frames)
  .map(([name, { summary }]) => `- ${name}: ${summary}`)
  .join('\n')}

With --payload csv a record is a line of CSV as to-csv(1) makes it, with the options of that command; names of columns go first in every connection, request and new file (--no-csv-header: nowhere), never in datagrams and messages. Records of other types than the table's are counted as delivered.`,
  },
  {
    title: 'HTTP',
    text: `Records that are ready at the same time go in one request, up to --batch; --linger waits for more. --body ndjson is one record a line (application/x-ndjson), array a JSON array, object a single record a request, as webhooks want it. A --header of the same name replaces what would be sent.

What an answer means:

- 2xx: delivered
- 429, 408, 425, 5xx, no answer in time, no connection: again later, after Retry-After if it says so (10 min at most)
- 413: in halves; what is too large alone is rejected
- 400, 409, 422 and other 4xx: in halves, until the record stands alone that is not wanted; see REJECTED RECORDS
- 401, 403, 407: refused, exit status 77; when it had worked before, after three times
- 404, 405, 410, 415, redirects, a certificate that is not trusted: the address or a setting is wrong, exit status 78; when it had worked before, again later

Redirects are not followed: the records would go to somebody whom you have not named.`,
  },
  {
    title: 'REJECTED RECORDS',
    text: `A record that the far side takes in no company and not alone is said, counted, and not sent again; the exit status is 76 in the end. With --rejects it goes to a file or descriptor, one JSON object a line with time, reason and line, and counts as delivered when it is written.

Without --rejects nothing is left of it, so it counts as delivered only with the next record that is taken, or as one of a few at the end of input. When ten in a row are rejected and none was taken in this run, or a thousand after some were, the fault is not theirs: the command ends with 76, and a spool keeps them all.`,
  },
  {
    title: 'SERIAL LINES',
    text: `serial:///dev/ttyUSB0?baud=9600&databits=8&parity=none&stopbits=1; 115200 baud, 8 bits, no parity and one stop bit unless said. In a shell the address needs quotes. A port that was unplugged is waited for, one that another program has open, too. A name below /dev/serial/by-id stays the same when the adapter comes back as another ttyUSB.`,
  },
  {
    title: 'FILES',
    text: `file:///absolute/path, or file:relative/path. The folder must be there: an SD card that is not mounted is not replaced by a folder in its place. Several records are one write; what a full disk took of it is taken back, so that the file ends with a whole line, and the exit status is 74. A line without its end, as a power cut leaves it, is ended before the next one.

--rotate-size and --rotate-every put the file aside as NAME-DATE.EXT (local time); --compress makes NAME-DATE.EXT.gz of it, --keep removes the oldest. A file that logrotate(8) has moved away is opened anew.`,
  },
  {
    title: 'SECRETS',
    text: `A password in the address is refused on the command line, where all processes see it: --username (or --username-file) with --password-file, or --token-file. Where the path or query itself is a secret, as with many webhooks, the whole address goes into the file of --url-file, or into send.url of the configuration; messages then show its host alone.`,
  },
  {
    title: 'QUEUE',
    text: `With --when-full block, as it is unless said, no more is read while --queue records wait: the stages before it wait, or a spool keeps them. For a source that must not be held up and has no spool, drop-oldest lets the oldest go, with a warning, a count, and a gap record to the far side in their place; the exit status is 69 in the end.

Under a program that asks for acknowledgements (see voltpipe(7)), a record counts as delivered as the table above says. Rejected and dropped ones count, too, in their order.`,
  },
  {
    title: 'METRICS',
    text: 'voltpipe_send_records_total by result (delivered, rejected, dropped) and voltpipe_send_queue.',
  },
];
