// A console that only looks: the certificate is shown, and no button that does it.
import assert from "node:assert/strict";
import test from "node:test";

import { launched, opened } from "./browser.mjs";

const browser = await launched();
test.after(() => browser.close());

test("what it would take is told, and the words that do it", async () => {
  const { page, context, faults } = await opened(browser, process.env.EVENKEEL_CONSOLE);
  assert.match(await page.locator("#rights").innerText(), /only looks/);
  await page.locator('.map .cell[data-id="1"]').click();
  await page.getByRole("button", { name: "Drain …" }).click();
  const certificate = page.getByRole("group", { name: "Certificate: Drain s1" });
  await certificate.waitFor();
  assert.match(await certificate.innerText(), /only looks[\s\S]*evenkeel drain s1/);
  assert.equal(await page.getByRole("button", { name: /now$/ }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});
