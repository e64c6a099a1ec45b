// Escapes of line protocol, as InfluxDB 1.6.7 was seen to read them; where its documentation says otherwise, the server is right:
// in names and tags a backslash stands for itself, unless what it escapes comes after it.

/** What ends a line or is no character at all. */
const control = /[\u0000-\u001f\u007f]/g;

const written: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' };

/** Control characters as the two characters that people write for them, or a space. */
const printable = (text: string): string => text.replace(control, (found) => written[found] ?? ' ');

/** A name or tag that ends with a backslash would escape what comes after it; it can't be written, so it loses it. */
const closed = (text: string): string => text.replace(/\\+$/, '');

/** Names that begin with `_` are the server's own. */
const ours = (text: string): string => text.replace(/^_+/, '');

const plain = (text: string): string => closed(printable(text));

/** A measurement's name; '' when nothing is left of it. A line that begins with `#` is a comment, so it loses that too. */
export const measurementName = (text: string): string =>
  plain(text)
    .replace(/^[_#]+/, '')
    .replace(/[, ]/g, '\\$&');

/** A tag's value; '' when nothing is left of it: then there is no tag. */
export const tagValue = (text: string): string => plain(text).replace(/[,= ]/g, '\\$&');

/**
 * The key of a tag or a field. `time` is the server's own too; and in a field's key a backslash before a comma, a space or `=` ends the
 * key there, whatever is done about it, so it loses it.
 */
export function keyName(text: string): string {
  const name = ours(plain(text)).replace(/\\+(?=[,= ])/g, '');
  return name === 'time' ? 'time_' : name.replace(/[,= ]/g, '\\$&');
}

/** A key as it was before it was escaped. */
export const unescaped = (name: string): string => name.replace(/\\([,= ])/g, '$1');

/** A text as a field's value, with its quotes: control characters become what people write for them. */
export const stringValue = (text: string): string => `"${printable(text).replace(/[\\"]/g, '\\$&')}"`;
