// Milliseconds from the address to the first paint, and until the page can be used, in fresh tabs. Prints one JSON object.
import { holds, launch, link, tab } from "./browser.mjs";
import { settings } from "./checks.mjs";

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
const round = (value) => Math.round(value * 10) / 10;
const browser = await launch();

async function sample() {
  const page = await tab(browser);
  const sizes = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.request().method() === "GET" && /^\/$|\.(js|css|svg)$/.test(pathname)) sizes.push(response.buffer().then((bytes) => [pathname, bytes.length]));
  });
  const { url } = await link();
  await page.goto(url);
  await holds(page, () => document.querySelector("#link").textContent === "Connected");
  const [paint, usable] = await page.evaluate(() => [performance.getEntriesByName("first-contentful-paint")[0].startTime, performance.now()]);
  const files = new Map(await Promise.all(sizes));
  await page.close();
  return { paint, usable, files };
}

await sample(); // the browser's own first start
const samples = [];
for (let i = 0; i < settings.samples; ++i) samples.push(await sample());
const files = samples[0].files;
console.log(JSON.stringify({
  median_ms: round(median(samples.map((each) => each.paint))), worst_ms: round(Math.max(...samples.map((each) => each.paint))),
  usable_ms: round(median(samples.map((each) => each.usable))), bytes: [...files.values()].reduce((sum, size) => sum + size, 0), files: files.size,
}));
await browser.close();
