// What one proposes and another one approves, by click, on a real cluster of five servers: ann has proposed to
// drain s2 and s3.
import assert from "node:assert/strict";
import test from "node:test";

import { launched, opened, shot, until } from "./browser.mjs";

const address = process.env.EVENKEEL_CONSOLE, ann = process.env.EVENKEEL_ANN, bob = process.env.EVENKEEL_BOB;
const browser = await launched();
test.after(() => browser.close());

const panel = (page) => page.locator("#proposals-panel");
const item = (page, id) => panel(page).locator("#proposals > li", { hasText: `a${id} ` });
const iAm = (page, token) => page.locator("#proposals-token input").fill(token);

test("what is proposed is shown, and approved by another one alone", async () => {
  const { page, context, faults } = await opened(browser, address);
  await until(page, () => document.getElementById("glance").innerText.includes("2 proposals want a second person: a1, a2"));
  assert.match(await item(page, 1).innerText(), /a1 drain s2 by ann: \d+ chunks, .* to copy.*puts nothing at risk.*expires in/s);
  await item(page, 1).getByRole("button", { name: "Approve a1 …" }).click();
  const certificate = page.getByRole("group", { name: "Certificate: a1" });
  assert.match(await certificate.innerText(), /can be done drain s2 \d+ chunks/);
  await shot(page, "proposals");

  await page.getByRole("button", { name: "Approve a1 now" }).click();
  await item(page, 1).locator("[data-tone=bad]", { hasText: "has to say who he is" }).waitFor();
  await iAm(page, ann);
  await item(page, 1).getByRole("button", { name: "Approve a1 …" }).click();
  await page.getByRole("button", { name: "Approve a1 now" }).click();
  await item(page, 1).locator("[data-tone=bad]", { hasText: "ann has proposed it" }).waitFor();
  await iAm(page, "5a");
  await item(page, 1).getByRole("button", { name: "Approve a1 …" }).click();
  await item(page, 1).locator("[data-tone=bad]", { hasText: "64 hex digits" }).waitFor();
  await iAm(page, bob);
  await item(page, 1).getByRole("button", { name: "Approve a1 …" }).click();
  await page.getByRole("button", { name: "Approve a1 now" }).click();
  await page.locator("#decided [data-tone=good]", { hasText: "a1, drain s2, was approved by bob." }).waitFor();
  await until(page, () => document.querySelectorAll("#proposals > li").length === 1);
  await item(page, 2).getByRole("button", { name: "Reject a2" }).click();
  await page.locator("#decided", { hasText: "a2, drain s3, was rejected by bob." }).waitFor();
  await until(page, () => /Nothing is proposed/.test(document.getElementById("proposals-panel").innerText));
  assert.deepEqual(faults, []);
  await context.close();
});

test("what is asked for by click is proposed, and no token outlives the page", async () => {
  const { page, context, faults } = await opened(browser, address);
  assert.equal(await page.locator("#proposals-token input").inputValue(), "");
  await page.locator('.map .cell[data-id="4"]').click();
  await page.locator("#detail dl.facts").first().waitFor();
  await page.getByRole("button", { name: "Decommission …" }).click();
  await page.getByRole("group", { name: "Certificate: Decommission s4" }).getByLabel("Your token").fill(ann);
  await page.getByRole("button", { name: "Decommission s4 now" }).click();
  await page.locator("#detail .certificate[data-tone=warn]", { hasText: "Proposed as a3: decommission s4 is done when a person other than ann approves it" }).waitFor();
  await page.keyboard.press("Escape");
  await item(page, 3).waitFor();
  assert.equal(await page.locator("#proposals-token input").inputValue(), ann, "it is the same person in all of the page");
  await iAm(page, bob);
  await item(page, 3).getByRole("button", { name: "Approve a3 …" }).click();
  await page.getByRole("button", { name: "Approve a3 now" }).click();
  await page.locator("#decided [data-tone=good]", { hasText: "a3, decommission s4, was approved by bob." }).waitFor();
  await page.reload();
  await until(page, () => document.body.dataset.rounds > 0);
  assert.equal(await page.locator("#proposals-token input").inputValue(), "");
  assert.deepEqual(faults, []);
  await context.close();
});
