// What the tests of the console's page have in common: Debian's Chromium, told what to look like.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Where `npm ci` has put it is told by the environment: this folder holds no built thing.
const require = createRequire(join(process.env.EVENKEEL_NODE_MODULES, "anchor.js"));
const { chromium } = require("playwright-core");

export const SHAPES = {
  "desk-light": { viewport: { width: 1440, height: 1000 }, colorScheme: "light" },
  "desk-dark": { viewport: { width: 1440, height: 1000 }, colorScheme: "dark" },
  "phone-light": { viewport: { width: 390, height: 844 }, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  "phone-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark", deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

export const patience = 30_000 * Number(process.env.EVENKEEL_PATIENCE || 1);

export async function launched() {
  return chromium.launch({ executablePath: process.env.EVENKEEL_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

// Until `question`, asked in the page, is true. Playwright's own waiting would want the page to allow
// eval, and it does not.
export async function until(page, question, argument) {
  const end = Date.now() + patience;
  while (!(await page.evaluate(question, argument))) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${question}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

// A page of the console that has drawn what it knows. All that goes wrong in it is kept in `faults`,
// and so is any request to anywhere else.
export async function opened(browser, address, shape = "desk-light") {
  const context = await browser.newContext({ ...SHAPES[shape], reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error in the page: ${error}`));
  page.on("console", (message) => {
    // That a request was refused is told here too, and is for the test to judge.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${address}/`)) faults.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(`${address}/`);
  await until(page, () => Number(document.body.dataset.rounds) >= 1);
  return { page, context, faults };
}

export async function shot(page, name, options = {}) {
  mkdirSync(process.env.EVENKEEL_SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.EVENKEEL_SHOTS, `${name}.png`), ...options });
}
