// The page at a thousand servers and two hundred thousand chunks, in each shape: drawn without a fault,
// as wide as the screen, used by keyboard alone, readable, and quick.
import assert from "node:assert/strict";
import test from "node:test";

import { SHAPES, launched, opened, shot, until } from "./browser.mjs";

const address = process.env.EVENKEEL_CONSOLE;
const browser = await launched();
test.after(() => browser.close());

const text = (page, selector) => page.locator(selector).innerText();

for (const shape of Object.keys(SHAPES)) {
  test(`what is wrong is seen first: ${shape}`, async () => {
    const { page, context, faults } = await opened(browser, address, shape);
    const glance = await text(page, "#glance");
    assert.match(glance, /5 chunks are at risk: one valid replica is left: c\d+/);
    assert.match(glance, /1,702 chunks are below their goal/);
    assert.match(glance, /3 servers are dead: s7 s13 s48/);
    assert.match(glance, /s101 is draining: [\d,]+ chunks, [\d.]+\sGiB to copy yet/);
    assert.equal(await text(page, "#mode"), "rebalancer running");
    assert.match(await text(page, "#totals"), /1,000 servers, 200,000 chunks, 600,000 replicas/);
    assert.equal(await page.locator(".map .cell").count(), 1000);
    assert.equal(await page.locator(".map .cell[data-state=dead]").count(), 3);
    assert.equal(await page.locator(".rack").count(), 40);
    // On a phone a rack in which all is well is a line, until it is touched.
    const shown = await page.locator(".map .cell:visible").count();
    assert.equal(shown, shape.startsWith("phone") ? 25 * 6 : 1000);
    if (shape.startsWith("phone")) {
      await page.locator(`.rack[data-rack="zone1/rack1"] .fold`).click();
      assert.equal(await page.locator(".map .cell:visible").count(), shown + 25);
    }
    for (const chart of await page.locator(".chart").all()) {
      assert.ok((await chart.locator(".curve").getAttribute("d")).length > 500, "a curve of many points");
    }
    const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= seen, `the page is ${wide} wide and the screen ${seen}`);
    await shot(page, `${shape}-top`);
    await shot(page, `${shape}-whole`, { fullPage: true });
    assert.deepEqual(faults, []);
    await context.close();
  });

  test(`every text can be read against what is behind it: ${shape}`, async () => {
    const { page, context } = await opened(browser, address, shape);
    const poor = await page.evaluate(() => {
      const channels = (color) => (color.match(/[\d.]+/g) || []).map(Number);
      const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
      };
      const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = channels(getComputedStyle(at).backgroundColor);
          if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
      };
      const found = new Set();
      for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        const box = element.getBoundingClientRect();
        if (!own || box.width < 2 || element.closest(".hidden, [hidden], .skip, noscript, option, .cell")) continue;
        const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) found.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)} "${element.textContent.slice(0, 30)}"`);
      }
      return [...found];
    });
    assert.deepEqual(poor, []);
    await context.close();
  });
}

test("the keyboard reaches everything", async () => {
  const { page, context, faults } = await opened(browser, address);
  const focused = () => page.evaluate(() => document.activeElement.dataset.id || document.activeElement.id || document.activeElement.className);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "skip");
  await page.locator(".map .cell[tabindex='0']").focus();
  const first = await focused();
  await page.keyboard.press("ArrowRight");
  const second = await focused();
  assert.notEqual(second, first);
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await focused(), second);
  await page.keyboard.press("Home");
  assert.equal(await focused(), first);
  assert.equal(await page.locator(".map .cell[tabindex='0']").count(), 1, "one stop of the tab key");
  await page.keyboard.press("Enter");
  await page.locator("#detail[open] dl.facts").first().waitFor();
  assert.match(await text(page, "#detail-title"), new RegExp(`^Server s${first}$`));
  await page.keyboard.press("Escape");
  await until(page, () => !document.getElementById("detail").open);
  assert.equal(await focused(), first, "back where it was");
  await page.locator(".chart .plot").first().focus();
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.locator(".chart .ends").first().innerText(), /\d\d:\d\d.*: [\d,]+/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("all that can be pressed has a name", async () => {
  const { page, context } = await opened(browser, address);
  await page.locator(".map .cell").first().click();
  await page.locator("#detail dl.facts").first().waitFor();
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select, a, summary, [role=img]")]
    .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.[0]?.textContent.trim()))
    .map((element) => element.outerHTML.slice(0, 100)));
  assert.deepEqual(nameless, []);
  const ids = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((element) => element.id));
  assert.equal(new Set(ids).size, ids.length);
  await context.close();
});

test("a filter, the table, a chunk and a server", async () => {
  const { page, context, faults } = await opened(browser, address);
  await page.fill("#filter", "rack7 zone1");
  await until(page, () => document.querySelectorAll(".map .cell").length === 25);
  await page.fill("#filter", "dead");
  await until(page, () => document.querySelectorAll(".map .cell").length === 3);
  await page.locator("#shape label", { hasText: "Table" }).click();
  assert.equal(await page.locator("#server-table tbody tr").count(), 3);
  await page.fill("#filter", "");
  await until(page, () => document.querySelectorAll("#server-table tbody tr").length === 200);
  assert.match(await text(page, "#server-table tbody tr:first-child"), /dead/);
  await page.locator("#server-table").scrollIntoViewIfNeeded();
  await shot(page, "table");
  await page.locator("#glance .link", { hasText: /^c\d+$/ }).first().click();
  await page.locator("#detail h3", { hasText: "Replicas" }).waitFor();
  assert.equal(await page.locator("#detail table").first().locator("tbody tr").count(), 3);
  assert.match(await text(page, "#detail"), /dead/);
  await shot(page, "chunk");
  await page.locator("#detail-close").click();
  await page.fill("#find-text", "s101");
  await page.keyboard.press("Enter");
  await page.locator("#detail dl.facts", { hasText: "Rests on it" }).waitFor();
  await shot(page, "server");
  assert.deepEqual(faults, []);
  await context.close();
});

test("drawing a thousand servers does not hold the page up", async () => {
  const { page, context } = await opened(browser, address);
  const [build, again] = await page.evaluate(() => {
    const timed = (what) => {
      const began = performance.now();
      what();
      return performance.now() - began;
    };
    known.layout = null;
    return [timed(drawServers), timed(drawServers)];
  });
  assert.ok(again <= build, `drawn in place (${again} ms) is no dearer than anew (${build} ms)`);
  await context.close();
});
