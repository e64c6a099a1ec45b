import type { ServerResponse } from 'node:http';

const page = (text: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>BMW simulator</title>
<body style="font-family: sans-serif; max-width: 30em; margin: 3em auto">
<h1>BMW simulator</h1>
${text}
</body></html>
`;

const form = `<form method="get">
<p><label>The code on your other device: <input name="user_code" autofocus autocomplete="off"></label></p>
<p><button>Approve</button> <button name="decline" value="1">Decline</button></p>
</form>`;

/** The page behind the verification link. To open it with `user_code` is to approve; with `decline` too, to decline. */
export function linkPage(
  query: URLSearchParams,
  response: ServerResponse,
  decide: (userCode: string, approve: boolean) => boolean,
): void {
  const userCode = query.get('user_code');
  const approve = !query.has('decline');
  const known = userCode !== null && decide(userCode, approve);
  const text = known
    ? `<p>${approve ? 'Approved' : 'Declined'}. You can close this page.</p>`
    : `${userCode === null ? '' : '<p>No login is waiting for this code.</p>'}${form}`;
  response
    .writeHead(userCode === null || known ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' })
    .end(page(text));
}
