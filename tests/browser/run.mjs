// Drives explorer.html in a browser: node run.mjs PAGE < jobs.json
//
// A job is a list of actions on a page of its own. The answer to each job is what the page then
// shows, and what it asked of the network.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const address = pathToFileURL(process.argv[2]).href;
const jobs = JSON.parse(readFileSync(0, "utf8"));

const browser = await chromium.launch({
  executablePath: process.env.POW_CHROMIUM || "/usr/bin/chromium",
  // Whoever runs the tests may be root, for whom the browser has no sandbox.
  chromiumSandbox: false,
});

// Waits until a function says so in the page. The page's policy forbids Playwright's own way.
async function until(page, holds, argument) {
  while (!(await page.evaluate(holds, argument))) await page.waitForTimeout(10);
}

// The page works one thing after another, and says when it is done.
const settled = (page) => until(page, () => ["ready", "failed"].includes(document.body.dataset.state));

const actions = {
  give: async (page, { input, paths }) => {
    await page.setInputFiles(`#${input}`, paths);
    // The event has been handled before this runs.
    await page.evaluate(() => 0);
  },
  fill: (page, { input, text }) => page.evaluate(([id, value]) => {
    document.getElementById(id).value = value;
  }, [input, text]),
  tick: (page, levels) => page.evaluate((wanted) => {
    for (const input of document.querySelectorAll("#levels input")) input.checked = wanted.includes(input.value);
  }, levels),
  check: (page) => page.evaluate(() => document.getElementById("known").requestSubmit()),
  search: async (page, text) => {
    await page.evaluate((value) => { document.getElementById("query").value = value; }, text);
    await page.evaluate(() => document.getElementById("search").requestSubmit());
    await until(page, () => !document.getElementById("found").textContent.startsWith("Looking"));
  },
  press: (page, { on, key }) => page.locator(on).press(key),
  click: (page, on) => page.locator(on).first().click(),
  // The title of the block's section, once it is this one.
  block: (page, height) => until(page,
    (title) => document.getElementById("block-title")?.textContent === title, `Block ${height}`),
  drop: (page, { name, base64 }) => page.evaluate(([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
  }, [name, base64]),
  scheme: (page, colorScheme) => page.emulateMedia({ colorScheme }),
  size: (page, [width, height]) => page.setViewportSize({ width, height }),
  screenshot: (page, path) => page.screenshot({ path, fullPage: true }),
};

const texts = (page, selector) => page.locator(selector).allInnerTexts();

async function shown(page) {
  return {
    state: await page.evaluate(() => document.body.dataset.state),
    status: await page.locator("#status").innerText(),
    headline: await page.evaluate(() => document.getElementById("headline")?.textContent ?? ""),
    raw: await page.evaluate(() => document.getElementById("raw")?.textContent ?? ""),
    levels: await page.locator("tr.level").evaluateAll((rows) => rows.map((row) => ({
      level: row.dataset.level,
      verdict: row.cells[1].textContent,
      lines: [...row.cells[2].children].map((line) => line.textContent),
    }))),
    not_shown: await page.locator("#not-shown li").evaluateAll((all) => all.map((one) => one.textContent)),
    sizes: await page.evaluate(() => ["#verdict", "#not-shown"].map((id) =>
      ["", " .headline"].map((inside) => {
        const element = document.querySelector(id + inside);
        return element ? getComputedStyle(element).fontSize : "";
      }))),
    hidden: await page.evaluate(() => ["result", "chain", "block"].filter((id) => document.getElementById(id).hidden)),
    found: await texts(page, "#found"),
    cells: await texts(page, ".cell"),
    current: await texts(page, ".cell[aria-current]"),
    block: await page.locator("#block tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.textContent))),
    charts: await page.locator(".chart svg").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label"))),
    outputs: await texts(page, ".chart output"),
    scripts: await page.evaluate(() => document.scripts.length),
    width: await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]),
  };
}

async function work(job) {
  const page = await browser.newPage();
  const requests = [];
  const errors = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
  await page.goto(address);
  await settled(page);
  let problems = null;
  for (const action of job) {
    const [[name, argument]] = Object.entries(action);
    if (name === "axe") {
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run());
      problems = found.violations.map(({ id, impact, nodes }) => [id, impact, nodes[0].html]);
    } else if (name === "try_to_send") {
      await page.evaluate(async (url) => {
        new Image().src = url;
        await fetch(url, { mode: "no-cors", signal: AbortSignal.timeout(1000) }).catch(() => {});
      }, argument);
    } else {
      await actions[name](page, argument);
    }
    await settled(page);
  }
  const answer = { ...(await shown(page)), requests: requests.filter((url) => url !== address), errors, problems };
  await page.close();
  return answer;
}

const answers = [];
let next = 0;
// Two at once.
await Promise.all([0, 1].map(async () => {
  while (next < jobs.length) {
    const mine = next++;
    answers[mine] = await work(jobs[mine]);
  }
}));
await browser.close();
process.stdout.write(JSON.stringify(answers));
