// A client in a browser: it opens a window for the authorization and waits in its own for what that window tells it.
//
// The first argument is JSON: chromium, redirect, link (an authorization URL), name, password. Prints
// {"told": QUERY}: what the redirect's page could tell the one that opened it, or null.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.env.PORTCULLIS_TEST_NODE_MODULES}/`)('playwright-core');
const { redirect, link, name, password, chromium: executablePath } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

const client = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  const script = request.url.startsWith(new URL(redirect).pathname)
    ? `if (opener) opener.postMessage(location.search, '*')`
    : `addEventListener('message', ({ data }) => (window.told = data))`;
  response.end(`<!doctype html><title>client</title><script>${script}</script>`);
}).listen(new URL(redirect).port, '127.0.0.1');

const context = await browser.newContext();
const app = await context.newPage();
await app.goto(new URL('/app', redirect).href);
const [page] = await Promise.all([context.waitForEvent('page'), app.evaluate((url) => void window.open(url), link)]);
page.setDefaultTimeout(20_000);
await page.fill('input[name=name]', name);
await page.fill('input[type=password]', password);
await page.locator('form:has(input[type=password]) button').click();
await page.fill('input[name=purpose]', 'Sorting my tickets');
await page.locator('button[value=allow]').click();
await page.waitForURL(`${redirect}**`);
await page.waitForLoadState();
const told = await app.evaluate(() => window.told ?? null);
await browser.close();
client.close();
console.log(JSON.stringify({ told }));
