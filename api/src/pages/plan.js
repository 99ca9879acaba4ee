// Follows the sale of one concert: the plan of the house, the free seats of each section, and one
// section in detail. It asks which seats were sold since the last answer, less often while nothing
// happens, not at all while nobody looks, and ever more seldom while the service is away.
"use strict";

const POLL_MIN_MS = 2_000;
const POLL_MAX_MS = 20_000;
const RETRY_MAX_MS = 60_000;
const REQUEST_MS = 10_000;
/** The figures are read aloud no more often than this. */
const SPEAK_MS = 10_000;
/** A sold seat's dot, in sizes of a free one, and its colour: those of the plan. */
const SOLD_SIZE = 0.49;
const SOLD_COLOUR = "#a9b0bc";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const element = (id) => document.getElementById(id);
const main = document.querySelector("main");
const base = `/api/v1/concerts/${main.dataset.concert}`;
const numbers = new Intl.NumberFormat("en");

/** What is known of the sale: the moment of the last answer, and a byte for each seat. */
const sale = { version: null, sold: new Uint8Array(0), count: 0 };
/** Sections by name, each with the range of its seats, its button and its words. */
const sections = new Map();
/** The section that is open: its name and its seats' elements by number. */
let open = null;
let planShown = -1;
let spokenAt = 0;
let timer = 0;
let running = false;
let wait = POLL_MIN_MS;
let failures = 0;

async function ask(path, type) {
  const answer = await fetch(base + path, {
    headers: { accept: type },
    // Asks with the tag of what is kept: what did not change is not sent again.
    cache: "no-cache",
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  if (answer.ok) return answer;
  const error = new Error(`${path}: ${answer.status}`);
  error.wait = 1_000 * (Number(answer.headers.get("retry-after")) || 0);
  throw error;
}

async function readSvg(path) {
  const text = await (await ask(path, "image/svg+xml")).text();
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (root.localName !== "svg") throw new Error(`${path} is no picture`);
  root.removeAttribute("width");
  root.removeAttribute("height");
  return document.importNode(root, true);
}

/** Takes over which seats were sold. Gives whether that is news. */
async function readStatus() {
  const since = sale.version === null ? "" : `?since=${encodeURIComponent(sale.version)}`;
  const status = await (await ask(`/seats/status${since}`, "application/json")).json();
  const isNews = status.version !== sale.version;
  if (status.since === null) sale.sold = new Uint8Array(status.capacity);
  for (const entry of status.sold) {
    const [first, length] = Array.isArray(entry) ? entry : [entry, 1];
    sale.sold.fill(1, first, first + length);
    for (let seat = first; open && seat < first + length; seat += 1) markSold(open.seats.get(seat));
  }
  sale.version = status.version;
  sale.count = sale.sold.reduce((sum, seat) => sum + seat, 0);
  return isNews;
}

/** The picture of the house, when it shows fewer sales than are known. */
async function readPlan() {
  if (planShown >= sale.count) return;
  const svg = await readSvg("/seats");
  planShown = Number(svg.querySelector(":scope > desc")?.textContent.split("|")[2] ?? 0);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Seating plan; its sections are listed below");
  for (const outline of svg.querySelectorAll("[data-section]")) {
    const name = outline.dataset.section;
    addSection(name, outline.dataset.seats.split(" ").map(Number));
    outline.addEventListener("click", () => openSection(name));
  }
  element("plan").replaceChildren(svg);
}

function addSection(name, [first, end]) {
  if (sections.has(name)) return;
  const button = document.createElement("button");
  const words = document.createElement("span");
  button.type = "button";
  button.dir = "auto";
  button.append(name, words);
  button.addEventListener("click", () => openSection(name));
  const item = document.createElement("li");
  item.append(button);
  element("sections").append(item);
  sections.set(name, { first, end, words, button });
}

function showFigures() {
  const { length } = sale.sold;
  const left = length - sale.count;
  const meter = element("meter");
  meter.max = Math.max(length, 1);
  meter.value = left;
  for (const { first, end, words } of sections.values()) {
    const free = sale.sold.subarray(first, end).reduce((sum, seat) => sum - seat, end - first);
    words.textContent = free > 0 ? `${numbers.format(free)} free` : "sold out";
  }
  const words = left > 0
    ? `${numbers.format(left)} of ${numbers.format(length)} seats left` : "Sold out";
  const summary = element("summary");
  if (summary.textContent === words || (left > 0 && Date.now() < spokenAt + SPEAK_MS)) return;
  summary.textContent = words;
  spokenAt = Date.now();
}

async function openSection(name) {
  element("seat").textContent = "";
  try {
    const svg = await readSvg(`/seats?section=${encodeURIComponent(name)}`);
    const seats = new Map();
    for (const seat of svg.querySelectorAll("[id^=seat-]")) {
      const number = Number(seat.id.slice(5));
      seats.set(number, seat);
      prepareSeat(seat);
      if (sale.sold[number]) markSold(seat);
    }
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", `Seats of ${name}; the arrow keys go from seat to seat`);
    open = { name, seats };
    element("section").textContent = name;
    element("seats").replaceChildren(svg);
    // One seat is reached with the tabulator, the others with the arrows.
    seats.values().next().value?.setAttribute("tabindex", "0");
    element("detail").hidden = false;
    element("detail").scrollIntoView({ block: "nearest" });
    element("section").focus();
  } catch {
    say("This section cannot be shown right now. Please try again.");
  }
}

function closeSection() {
  const name = open?.name;
  open = null;
  element("detail").hidden = true;
  element("seats").replaceChildren();
  sections.get(name)?.button.focus();
}

function prepareSeat(seat) {
  seat.setAttribute("role", "img");
  seat.setAttribute("tabindex", "-1");
  nameSeat(seat);
  seat.addEventListener("focus", () => { element("seat").textContent = seat.ariaLabel; });
  seat.addEventListener("click", () => focusSeat(seat));
}

function nameSeat(seat) {
  const place = seat.querySelector("title")?.textContent ?? "";
  seat.setAttribute("aria-label", `${place}: ${seat.getAttribute("class").split(" ")[0]}`);
}

/** A seat that was sold is drawn as the plan draws sold ones. */
function markSold(seat) {
  if (!seat || seat.classList.contains("sold")) return;
  seat.setAttribute("class", "sold news");
  const [dot, ...holes] = seat.querySelectorAll("rect");
  holes.forEach((hole) => hole.remove());
  const size = Number(dot.getAttribute("width"));
  for (const [start, length] of [["x", "width"], ["y", "height"]]) {
    dot.setAttribute(start, Number(dot.getAttribute(start)) + (size * (1 - SOLD_SIZE)) / 2);
    dot.setAttribute(length, size * SOLD_SIZE);
  }
  dot.setAttribute("fill", SOLD_COLOUR);
  nameSeat(seat);
}

function focusSeat(seat) {
  element("seats").querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
  seat.setAttribute("tabindex", "0");
  seat.focus();
}

/** The nearest seat in the direction of an arrow: what lies aside counts twice. */
function neighbour(from, [right, down]) {
  const middle = (seat) => {
    const { x, y, width, height } = seat.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const seat of open.seats.values()) {
    const [dx, dy] = middle(seat).map((at, axis) => at - [x, y][axis]);
    const ahead = dx * right + dy * down;
    const distance = ahead + 2 * Math.abs(dx * down + dy * right);
    if (ahead > 1 && distance < least) [best, least] = [seat, distance];
  }
  return best;
}

function say(words) {
  element("note").textContent = words;
  element("note").hidden = words === "";
}

async function tick() {
  clearTimeout(timer);
  timer = 0;
  if (running || document.hidden) return;
  running = true;
  try {
    const isNews = await readStatus();
    await readPlan();
    showFigures();
    failures = 0;
    wait = isNews ? POLL_MIN_MS : Math.min(wait * 1.5, POLL_MAX_MS);
    say("");
  } catch (error) {
    failures += 1;
    const backoff = Math.min(POLL_MIN_MS * 2 ** failures, RETRY_MAX_MS);
    wait = Math.min(Math.max(error.wait ?? 0, backoff), RETRY_MAX_MS);
    say("The seats cannot be read right now; what you see may be old. Trying again.");
  } finally {
    running = false;
  }
  // Pages that were opened in one moment do not stay in step.
  if (!document.hidden) timer = setTimeout(tick, wait * (0.9 + 0.2 * Math.random()));
}

async function showPrices() {
  try {
    const { prices } = await (await ask("/show", "application/json")).json();
    for (const [category, price] of Object.entries(prices)) {
      const item = document.createElement("li");
      item.dir = "auto";
      item.textContent = `${category}: ${price}`;
      element("prices").append(item);
    }
  } catch {
    // The legend of the plan has the prices, too.
  }
}

document.addEventListener("visibilitychange", tick);
element("close").addEventListener("click", closeSection);
element("detail").addEventListener("keydown", (event) => {
  const seat = event.target.closest("[id^=seat-]");
  if (event.key === "Escape") closeSection();
  if (!seat || !ARROWS[event.key]) return;
  event.preventDefault();
  const next = neighbour(seat, ARROWS[event.key]);
  if (next) focusSeat(next);
});
showPrices();
tick();
