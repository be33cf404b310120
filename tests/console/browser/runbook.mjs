// What an operator sees in the console in each situation of deploy/RUNBOOK.md, and clicks there. The test that
// brings the situation about names it by SITUATION.
import assert from "node:assert/strict";
import test from "node:test";

import { launched, opened, shot, until } from "./browser.mjs";

const browser = await launched();
test.after(() => browser.close());

const glance = (page, pattern) => until(page, ([source]) => new RegExp(source).test(document.getElementById("glance").innerText), [pattern]);

async function openServer(page, server) {
  await page.locator(`.map .cell[data-id="${server}"]`).click();
  await page.locator("#detail dl.facts").first().waitFor();
}

async function find(page, what) {
  await page.fill("#find-text", what);
  await page.keyboard.press("Enter");
  await page.locator("#detail h3").first().waitFor();
}

const situations = {
  async 1(page) {
    await glance(page, "server is dead: s2");
    await openServer(page, 2);
    await page.locator("#detail", { hasText: "dead" }).waitFor();
  },
  async 2(page) {
    await glance(page, "s3 is in maintenance, for another (30|29) min");
    await openServer(page, 3);
    await page.getByRole("button", { name: "End maintenance" }).waitFor();
  },
  async 3(page) {
    await openServer(page, 4);
    await page.getByRole("button", { name: "Drain …" }).click();
    const certificate = page.getByRole("group", { name: "Certificate: Drain s4" });
    await certificate.waitFor();
    assert.match(await certificate.innerText(), /can be done[\s\S]*\d+ chunks/);
    await shot(page, "runbook-03-certificate");
    await page.getByRole("button", { name: "Drain s4 now" }).click();
    await page.locator("#detail .certificate[data-tone=good]", { hasText: /s4 is drain/ }).waitFor();
    await page.keyboard.press("Escape");
    await glance(page, "s4 is drained: nothing rests on it any more");
  },
  async 4(page) {
    await glance(page, "The rebalancer is in braked: .* servers went at once");
    await page.locator("#events").scrollIntoViewIfNeeded();
    await page.evaluate(() => window.scrollTo(0, 0));
  },
  async 5(page, { chunk }) {
    await glance(page, "1 chunk is lost: no valid replica is on a server that lives");
    await page.locator("#glance").getByText(`c${chunk}`, { exact: true }).click();
    await page.locator("#detail h3", { hasText: "Replicas" }).waitFor();
    assert.match(await page.locator("#detail").innerText(), /dead/);
  },
  async 6(page, { chunk }) {
    await until(page, ([id]) => document.getElementById("events").innerText.includes(`c${id}`), [chunk]);
    await find(page, `c${chunk}`);
  },
  async 7(page) {
    await page.locator('#shape input[value="table"]').check();
    await page.locator("#server-table tbody tr").first().waitFor();
    await page.locator("#server-table").scrollIntoViewIfNeeded();
  },
  async 8(page, { chunk }) {
    await glance(page, "Paused by operators: .*repair");
    await find(page, `c${chunk}`);
    await page.locator("#detail", { hasText: "paused" }).waitFor();
  },
  async 9(page) {
    await glance(page, "The rebalancer does not run: it last wrote");
    await until(page, () => document.getElementById("mode").innerText.includes("not running"));
  },
  async 10(page) {
    await openServer(page, 4);
    await page.getByRole("button", { name: "Drain …" }).click();
    const certificate = page.getByRole("group", { name: "Certificate: Drain s4" });
    await certificate.waitFor();
    assert.match(await certificate.innerText(), /cannot be (done|brought)/);
  },
};

const situation = process.env.SITUATION;
test(`situation ${situation}`, async () => {
  const { page, context, faults } = await opened(browser, process.env.EVENKEEL_CONSOLE);
  await situations[situation](page, JSON.parse(process.env.NAMES || "{}"));
  await shot(page, `runbook-${situation.padStart(2, "0")}`, { fullPage: situation !== "7" });
  assert.deepEqual(faults, []);
  await context.close();
});
