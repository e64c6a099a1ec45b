import type { ManualSection } from '../runtime/command.ts';

/** The longer part of influx-write(1). */
export const influxWriteSections: readonly ManualSection[] = [
  {
    title: 'POINTS',
    text: `Every number is written as a float, because a field that is an integer once and a float the next time is the most common reason for a database to refuse points. --int-fields names those that shall be integers. Texts are left out unless --string-fields names them (VictoriaMetrics keeps none; --string-fields ends with 78 there). null and what is no number is never written; a record with no field left is skipped and counted, as is one without a time.

Lists are numbered from 1: cells become cell_1, cell_2 and so on, temperatures become temperature_1 and so on. Of lists that say which and not how much (alarms, balancing, and every list of texts) the number of elements is written, as alarms_count. Objects are taken apart, their keys joined with _ (--nested skip leaves them out).

A name loses underscores at its beginning and a backslash at its end, a measurement also a # at its beginning, control characters become the two characters that people write for them (\\n), and time becomes time_: the database has no way to write them. A field that is named like a tag gets a _ at its end. Where two keys of a record would give one field, the one that is written as it stands is taken.`,
  },
  {
    title: 'STATIC TAGS',
    text: `--tag NAME=VALUE, and influxdb.tags of the configuration, give every point a tag: where it was measured, or by whom. Where both have a name, --tag wins, and the later of two; over either wins the record's own tag of that name (an identity key, or one of --tags), if it has a value. A field of that name gets a _ at its end. Spaces around name and value go. A static tag that changes makes new series: what was written before keeps the old one, or none.

Hours and days that the database makes (influx-setup(1)) keep all tags. rollup(1) knows nothing of them: give them to each influx-write behind it, too, best in the configuration.`,
  },
  {
    title: 'OUTAGES',
    text: `While the server can't be reached, or answers 429 or 5xx, records wait, up to --queue of them. It is tried again after a wait that doubles from 1 s to 60 s, or that it asks for itself (Retry-After, 10 minutes at most). It is said once that it is lost, and once when it is back.

When the queue is full meanwhile, the oldest are dropped, and how many is said (--on-unavailable drop). Behind a spool, or reading from a file, no more is read instead (block): there the records are safe until they are delivered. A server that is only slow never makes anything drop.

Once the server has taken lines, any answer that is not the database's own about them counts as an outage too: the page of a proxy whose server starts anew, a redirect, a certificate that has run out. Before it has taken any, such an answer ends the command with 78, with no line given up; a page that is not there (404) at first is waited for as long as --patience, because a proxy may be up before its server.

After the end of input the server is tried until it has taken nothing for --patience, then the exit status is 69.`,
  },
  {
    title: 'REJECTED LINES',
    text: `A server may store some lines of a batch and reject others. What it says is read; where it doesn't say which, the batch is sent again in halves until the lines are found, with no more than --max-bisect requests. Only what the database itself says of lines counts for that, in words that are known of it: nobody else's 400 or 405 costs a line. Only the rejected ones are given up: they go to --rejects, one JSON object a line with time, reason and line, and count as delivered. The exit status is 76 then.

Credentials that are refused end the command with 77; those that had worked are asked again every minute at first, every ten later, and read anew from their file. A database or retention policy that is not there ends it with 78, and so does 2.x without --org.`,
  },
  {
    title: 'METRICS',
    text: 'voltpipe_points_total by result (stored, rejected) and voltpipe_last_write_timestamp_seconds.',
  },
];
