// Walks a real browser through login, consent and approval, without JavaScript in the pages.
//
// The first argument is JSON: chromium, home, redirect, tickets (the MCP endpoint), client (its id), baseline and elevated (authorization URLs),
// people ({name: password}), shots (a directory). Prints {"callbacks": [URL, URL]}.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.env.PORTCULLIS_TEST_NODE_MODULES}/`)('playwright-core');
const walk = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: walk.chromium, args: ['--no-sandbox'] });

// The client's side of the redirect: a listener on loopback, as desktop programs have.
const callbacks = [];
const client = createServer((request, response) => {
  callbacks.push(new URL(request.url, walk.redirect).href);
  response.end('You may close this window.');
}).listen(new URL(walk.redirect).port, '127.0.0.1');

async function person(name) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1000, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const shot = (what) => page.screenshot({ path: `${walk.shots}/${what}.png`, fullPage: true });
  const logIn = async () => {
    await page.fill('input[name=name]', name);
    await page.fill('input[type=password]', walk.people[name]);
    await page.locator('form:has(input[type=password]) button').click();
  };
  const press = (label) => page.getByRole('button', { name: label }).first().click();
  return { page, shot, logIn, press };
}

const ada = await person('ada');
await ada.page.goto(walk.baseline);
await ada.shot('1-login');
await ada.logIn();
await ada.page.locator('[name=purpose]').fill('Sorting my tickets');
await ada.shot('2-consent');
await ada.press(/^Allow/);
await ada.page.waitForURL(`${walk.redirect}**`);

// The client calls what it may not, so that there is a call to approve.
const { access_token } = await (await fetch(`${walk.home}/oauth/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'authorization_code',
    // A browser asks for an icon as well.
    code: new URL(callbacks.findLast((url) => url.startsWith(walk.redirect))).searchParams.get('code'),
    client_id: walk.client,
    redirect_uri: walk.redirect,
    // RFC 7636 appendix B
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  }),
})).json();
const refused = await fetch(walk.tickets, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${access_token}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
  },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'delete_ticket', arguments: { id: 'T-1041' } },
  }),
});
if (refused.status !== 403) throw new Error(`the high call was answered ${refused.status}: ${await refused.text()}`);
await ada.page.goto(`${walk.home}/me`);
await ada.shot('3-refused');

await ada.page.goto(walk.elevated);
await ada.page.locator('[name=reason]').fill('The customer asked for it');
await ada.shot('3-step-up');
await ada.press(/^(Ask|Request|Allow)/);
await ada.shot('4-waiting');

const bob = await person('bob');
await bob.page.goto(`${walk.home}/console`);
await bob.logIn();
await bob.shot('5-console');
await bob.page.locator('a[href*="/console/approvals/"]').first().click();
await bob.shot('6-approval');
await bob.press(/^Approve/);
await bob.shot('7-approved');

await ada.page.waitForURL(`${walk.redirect}**`);
await browser.close();
client.close();
console.log(JSON.stringify({ callbacks: callbacks.filter((url) => url.startsWith(walk.redirect)) }));
