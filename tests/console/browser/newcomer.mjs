// What somebody sees in the console who has followed README.md and killed an agent.
import assert from "node:assert/strict";
import test from "node:test";

import { launched, opened, shot, until } from "./browser.mjs";

const browser = await launched();
test.after(() => browser.close());

test("the agent is dead, and all has healed", async () => {
  const { page, context, faults } = await opened(browser, process.env.EVENKEEL_CONSOLE);
  await until(page, () => document.getElementById("glance").innerText.includes("1 server is dead: s1"));
  await until(page, () => !/below|at risk|lost/.test(document.getElementById("glance").innerText));
  await until(page, () => /s1 dead/.test(document.getElementById("events").innerText.replace(/\s+/g, " ")));
  await page.fill("#find-text", "c42");
  await page.keyboard.press("Enter");
  await page.locator("#detail h3", { hasText: "Replicas" }).waitFor();
  await shot(page, "newcomer");
  assert.deepEqual(faults, []);
  await context.close();
});
