// What an operator does by click, on a real cluster of five servers: drains one and takes it back, puts
// one in maintenance, asks why, and what if.
import assert from "node:assert/strict";
import test from "node:test";

import { launched, opened, shot, until } from "./browser.mjs";

const address = process.env.EVENKEEL_CONSOLE;
const browser = await launched();
test.after(() => browser.close());

async function openServer(page, server) {
  await page.locator(`.map .cell[data-id="${server}"]`).click();
  await page.locator("#detail dl.facts").first().waitFor();
}

test("the certificate is shown before a drain, and the drain is done and taken back", async () => {
  const { page, context, faults } = await opened(browser, address);
  await until(page, () => document.getElementById("glance").innerText.includes("All is well: 60 chunks have their goal"));
  await openServer(page, 2);
  await page.getByRole("button", { name: "Drain …" }).click();
  const certificate = page.getByRole("group", { name: "Certificate: Drain s2" });
  await certificate.waitFor();
  assert.match(await certificate.innerText(), /can be done[\s\S]*\d+ chunks[\s\S]*to copy/);
  await shot(page, "certificate");
  await page.getByRole("button", { name: "Drain s2 now" }).click();
  await page.locator("#detail .certificate[data-tone=good]", { hasText: /s2 is drain/ }).waitFor();
  await page.keyboard.press("Escape");
  await until(page, () => /s2 is drained: nothing rests on it any more/.test(document.getElementById("glance").innerText));
  await until(page, () => document.querySelector('.map .cell[data-id="2"]').dataset.state === "drained");
  await shot(page, "drained", { fullPage: true });
  await openServer(page, 2);
  await page.getByRole("button", { name: "Back into service" }).click();
  await page.getByRole("button", { name: "Do it" }).click();
  await page.locator("#detail .certificate[data-tone=good]", { hasText: "s2 is in service" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("maintenance for some minutes, and its end", async () => {
  const { page, context, faults } = await opened(browser, address);
  await openServer(page, 3);
  await page.getByLabel("Minutes of maintenance").fill("7");
  await page.getByRole("button", { name: "Maintenance …" }).click();
  await page.getByRole("button", { name: "Maintenance of s3 now" }).click();
  await page.locator("#detail .certificate[data-tone=good]", { hasText: "s3 is in maintenance" }).waitFor();
  await page.keyboard.press("Escape");
  await until(page, () => /s3 is in maintenance, for another [67] min/.test(document.getElementById("glance").innerText));
  await openServer(page, 3);
  await page.getByRole("button", { name: "End maintenance" }).click();
  await page.getByRole("button", { name: "Do it" }).click();
  await page.locator("#detail .certificate[data-tone=good]", { hasText: "s3 is in service" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("why a chunk is as it is", async () => {
  const { page, context, faults } = await opened(browser, address);
  await page.fill("#find-text", "c1");
  await page.keyboard.press("Enter");
  await page.locator("#detail h3", { hasText: "Replicas" }).waitFor();
  assert.equal(await page.locator("#detail table").first().locator("tbody tr").count(), 3);
  await page.locator("#detail h3", { hasText: "What is held true of it" }).waitFor();
  await shot(page, "explain");
  assert.deepEqual(faults, []);
  await context.close();
});

test("what if, by a click and by words", async () => {
  const { page, context, faults } = await opened(browser, address);
  await openServer(page, 4);
  await page.getByRole("button", { name: "What if it is lost?" }).click();
  const result = page.locator("#whatif-result .result").first();
  await result.waitFor();
  assert.match(await result.innerText(), /lose server s4[\s\S]*Lost for good\s+no chunk[\s\S]*All at their goal after/);
  await page.locator("#whatif-result").scrollIntoViewIfNeeded();
  await shot(page, "whatif");
  await page.selectOption("#whatif-kind", "add");
  await page.fill("#whatif-what", "3");
  await page.getByRole("button", { name: "Then …" }).click();
  assert.match(await page.locator("#whatif-steps").innerText(), /add 3 servers/);
  await page.selectOption("#whatif-kind", "lose server");
  await page.fill("#whatif-what", "s1");
  await page.getByRole("button", { name: "Foretell" }).click();
  await until(page, () => document.querySelectorAll("#whatif-result .result h3").length >= 2 && /add 3 servers/.test(document.getElementById("whatif-result").innerText));
  await page.fill("#whatif-what", "nothing that there is");
  await page.getByRole("button", { name: "Foretell" }).click();
  await page.locator("#whatif-result [data-tone=bad]").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
