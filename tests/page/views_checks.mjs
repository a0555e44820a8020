// The page: what every view looks like, in narrow and wide windows, and by keyboard alone.
import { answered, go, holds, opened, overflow, press, say, shot, text, violations } from "./browser.mjs";
import { assert, check, settings } from "./checks.mjs";

/** Looks at every view. */
export async function looks(browser, page) {
  await check("status: devices, memory by model, who waits, the service", async () => {
    await go(page, "status");
    await page.waitForSelector("#status-devices .legend");
    const status = await text(page, "#status");
    assert.ok(status.includes(settings.tools) && status.includes("RAM") && status.includes("Sandbox"), status);
    assert.match(status, /Nobody waits/);
    await shot(page, "status");
    assert.deepEqual(await violations(page), []);
  });

  await check("a narrow window, light and dark, in every view: nothing sticks out, nothing is unreadable", async () => {
    for (const dark of [false, true]) {
      const narrow = await opened(browser, { width: 360, height: 640, dark });
      for (const view of ["chat", "models", "status"]) {
        await go(narrow, view);
        if (view === "status") await narrow.waitForSelector("#status-devices .card");
        assert.ok((await overflow(narrow)) <= 0, `${view} is too wide`);
        assert.deepEqual(await violations(narrow), [], `${view}, ${dark ? "dark" : "light"}`);
        await shot(narrow, `narrow-${view}-${dark ? "dark" : "light"}`);
      }
      const back = await narrow.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
      assert.ok(dark ? Math.max(...back) < 80 : Math.min(...back) > 200, `${back}`);
      await narrow.close();
    }
  });

  await check("a wide window in the dark", async () => {
    const dark = await opened(browser, { dark: true });
    await say(dark, settings.tiny, "A question of some length, so that one sees how it sits on the right side of the window.");
    await holds(dark, () => document.querySelector(".assistant .body")?.innerText.length > 600);
    await shot(dark, "dark-chat");
    await dark.keyboard.press("Escape");
    await answered(dark);
    assert.deepEqual(await violations(dark), []);
    for (const view of ["models", "status"]) {
      await go(dark, view);
      if (view === "status") await dark.waitForSelector("#status-devices .legend");
      await shot(dark, `dark-${view}`);
      assert.deepEqual(await violations(dark), []);
    }
    await dark.close();
  });

  await check("by keyboard alone: from the top to an answer", async () => {
    const keys = await opened(browser);
    await keys.focus("a, button, input, select, textarea");
    assert.equal(await keys.evaluate(() => document.activeElement.className), "skip", "it comes first");
    await keys.keyboard.press("Tab");
    assert.equal(await keys.evaluate(() => document.activeElement.textContent), "Chat");
    await keys.keyboard.press("Enter");
    assert.ok(await keys.$("#chat:not([hidden])"));
    for (let i = 0; i < 20 && (await keys.evaluate(() => document.activeElement.id)) !== "chat-input"; ++i) await keys.keyboard.press("Tab");
    await keys.keyboard.type("one");
    await keys.keyboard.down("Shift");
    await keys.keyboard.press("Enter");
    await keys.keyboard.up("Shift");
    await keys.keyboard.type("two");
    await keys.keyboard.press("Enter");
    await keys.waitForSelector(".message.user");
    assert.equal(await text(keys, ".message.user .plain"), "one\ntwo");
    await holds(keys, () => document.querySelector(".assistant .body")?.innerText.length > 5);
    await keys.keyboard.press("Escape");
    await answered(keys);
    await keys.close();
  });
}
