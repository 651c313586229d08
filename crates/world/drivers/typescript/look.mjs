// Looks at pages as they are shown: light and dark, on a desktop and on a phone, and asks axe what is wrong with each.
//
// The first argument is JSON: chromium, home, people ({name: password}), pages ([{who, path, name}], who may be null), shots (a directory).
// Prints {"wrong": [{page, what}]}.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.PORTCULLIS_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;
const look = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: look.chromium, args: ['--no-sandbox'] });

const screens = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const wrong = [];
const cookies = {};
for (const [name, password] of Object.entries(look.people)) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${look.home}/login`);
  await page.fill('input[name=name]', name);
  await page.fill('input[type=password]', password);
  await page.locator('form:has(input[type=password]) button').click();
  cookies[name] = await context.cookies();
  await context.close();
}
for (const scheme of ['light', 'dark']) {
  for (const [screen, viewport] of Object.entries(screens)) {
    for (const { who, path, name } of look.pages) {
      // axe is a script, and our pages allow none.
      const context = await browser.newContext({ colorScheme: scheme, viewport, bypassCSP: true });
      if (who) await context.addCookies(cookies[who]);
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const answer = await page.goto(new URL(path, look.home).href);
      const at = `${name}-${scheme}-${screen}`;
      if (answer.status() !== 200) wrong.push({ page: at, what: `answered ${answer.status()}` });
      await page.screenshot({ path: `${look.shots}/${at}.png`, fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) wrong.push({ page: at, what: `is ${wide} pixels wider than its screen` });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        // eslint-disable-next-line no-undef
        axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
      for (const { id, nodes } of violations) {
        wrong.push({ page: at, what: `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}` });
      }
      await context.close();
    }
  }
}
await browser.close();
console.log(JSON.stringify({ wrong }));
