// Follows the sale of one concert: the plan of the house, the free seats of each section, and one
// section in detail. It asks which seats were sold since the last answer, less often while nothing
// happens, not at all while nobody looks, and ever more seldom while the service is away. The
// picture is drawn after the sales and comes by itself: the figures never wait for it.
"use strict";

const POLL_MIN_MS = 2_000;
const POLL_MAX_MS = 20_000;
const RETRY_MAX_MS = 60_000;
const REQUEST_MS = 10_000;
/** Pictures are large, and the service waits for one that is being drawn. */
const PICTURE_REQUEST_MS = 60_000;
/** Between two requests for the picture of the house. */
const PICTURE_MIN_MS = 10_000;
/** The figures are read aloud no more often than this. */
const SPEAK_MS = 10_000;
/** A sold seat's dot, in sizes of a free one, and its colour: those of the plan. */
const SOLD_SIZE = 0.49;
const SOLD_COLOUR = "#a9b0bc";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const element = (id) => document.getElementById(id);
const main = document.querySelector("main");
const base = `${main.dataset.base}/api/v1/concerts/${main.dataset.concert}`;
const numbers = new Intl.NumberFormat("en");
/** What does not take place is shown once and not followed. */
const isFollowed = main.dataset.status !== "CANCELLED";

/** What is known of the sale: the moment of the last answer, and a byte for each seat. */
const sale = { version: null, sold: new Uint8Array(0), count: 0 };
/** Sections by name, each with the range of its seats, its button and its words. */
const sections = new Map();
/** The section that is open: its name, its seats' elements by number, and the one looked at last. */
let open = null;
/** The sections that were asked for; an answer counts only if it is that to the last question. */
let openings = 0;
/** The picture of the house: the sales and the tag of the one shown, and when to ask for the next. */
const picture = { shown: -1, tag: null, running: false, failures: 0, next: 0, timer: 0 };
let spokenAt = 0;
let timer = 0;
let running = false;
let wait = POLL_MIN_MS;
let failures = 0;

async function ask(path, type, limit = REQUEST_MS) {
  const answer = await fetch(base + path, {
    headers: { accept: type },
    // Asks with the tag of what is kept: what did not change is not sent again.
    cache: "no-cache",
    signal: AbortSignal.timeout(limit),
  });
  if (answer.ok) return answer;
  const error = new Error(`${path}: ${answer.status}`);
  error.wait = 1_000 * (Number(answer.headers.get("retry-after")) || 0);
  throw error;
}

const askPicture = (path) => ask(path, "image/svg+xml", PICTURE_REQUEST_MS);

async function readSvg(answer) {
  const text = await answer.text();
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (root.localName !== "svg") throw new Error(`${answer.url} is no picture`);
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

/** The picture of the house, unless it is the one that is shown. */
async function readPlan() {
  const answer = await askPicture("/seats");
  const tag = answer.headers.get("etag");
  if (tag !== null && tag === picture.tag) return;
  const svg = await readSvg(answer);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Seating plan; its sections are listed below");
  const group = svg.querySelector(".sections");
  const seatsMax = Number(group?.dataset.seatsMax ?? Infinity);
  for (const outline of svg.querySelectorAll("[data-section]")) {
    const name = outline.dataset.section;
    const [first, end] = outline.dataset.seats.split(" ").map(Number);
    const isLarge = end - first > seatsMax;
    addSection(name, first, end, isLarge);
    if (isLarge) outline.classList.add("large");
    else outline.addEventListener("click", () => openSection(name));
  }
  const more = Number(group?.dataset.sections ?? 0) - sections.size;
  say("more", more > 0 ? `${numbers.format(more)} more sections are not listed.` : "");
  element("plan").replaceChildren(svg);
  picture.shown = Number(svg.querySelector(":scope > desc")?.textContent.split("|")[2] ?? 0);
  picture.tag = tag;
}

/** Sees to the picture while it shows fewer sales than are known. It may be missing at first, and
    late under a crowd. */
async function followPlan() {
  clearTimeout(picture.timer);
  if (picture.running || document.hidden || picture.shown >= sale.count) return;
  const left = picture.next - Date.now();
  if (left > 0) {
    picture.timer = setTimeout(followPlan, left);
    return;
  }
  picture.running = true;
  let pause = PICTURE_MIN_MS;
  try {
    await readPlan();
    picture.failures = 0;
    say("drawing", "");
    showFigures();
  } catch (error) {
    picture.failures += 1;
    // Who sees an older picture can wait for the next one.
    pause = Math.max(backoff(picture.failures, error), picture.shown < 0 ? 0 : PICTURE_MIN_MS);
    // Without an answer the service is away, which the figures say.
    if (error.wait !== undefined) say("drawing", "The picture is being drawn …");
  } finally {
    picture.running = false;
  }
  picture.next = Date.now() + spread(pause);
  followPlan();
}

function addSection(name, first, end, isLarge) {
  if (sections.has(name)) return;
  const item = document.createElement("li");
  const button = document.createElement(isLarge ? "p" : "button");
  const words = document.createElement("span");
  button.dir = "auto";
  button.append(name, words);
  if (isLarge) {
    button.append(" (too large to be shown seat by seat)");
  } else {
    button.type = "button";
    button.addEventListener("click", () => openSection(name));
  }
  item.append(button);
  element("sections").append(item);
  sections.set(name, { first, end, words, button });
}

function showFigures() {
  if (sale.version === null) return;
  const { length } = sale.sold;
  const left = length - sale.count;
  const meter = element("meter");
  meter.max = Math.max(length, 1);
  meter.value = left;
  for (const { first, end, words } of sections.values()) {
    const free = sale.sold.subarray(first, end).reduce((sum, seat) => sum - seat, end - first);
    words.textContent = free > 0 ? `${numbers.format(free)} free` : "sold out";
  }
  if (open) element("left").textContent = sections.get(open.name).words.textContent;
  if (left === 0 && length > 0 && main.dataset.status === "ACTIVE") {
    element("status").className = "status soldout";
    element("status").textContent = "Sold out";
  }
  const words = left > 0
    ? `${numbers.format(left)} of ${numbers.format(length)} seats left` : "Sold out";
  const summary = element("summary");
  if (summary.textContent === words || (left > 0 && Date.now() < spokenAt + SPEAK_MS)) return;
  summary.textContent = words;
  spokenAt = Date.now();
}

async function openSection(name) {
  openings += 1;
  const own = openings;
  say("trouble", "");
  try {
    const svg = await readSvg(await askPicture(`/seats?section=${encodeURIComponent(name)}`));
    if (own === openings) showSection(name, svg);
  } catch {
    if (own !== openings) return;
    say("trouble", `“${name}” cannot be shown right now. Please try again.`);
  }
}

function showSection(name, svg) {
  const seats = new Map();
  for (const seat of svg.querySelectorAll("[id^=seat-]")) {
    const number = Number(seat.id.slice(5));
    seats.set(number, seat);
    prepareSeat(seat);
    if (sale.sold[number]) markSold(seat);
  }
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", `Seats of ${name}; the arrow keys go from seat to seat`);
  // Its number of free seats would grow old; the heading has one that is kept up to date.
  svg.querySelector(".count")?.remove();
  open = { name, seats, seat: null };
  element("section").textContent = name;
  element("seat").textContent = "";
  element("change").textContent = "";
  element("seats").replaceChildren(svg);
  // One seat is reached with the tabulator, the others with the arrows.
  seats.values().next().value?.setAttribute("tabindex", "0");
  showFigures();
  element("detail").hidden = false;
  element("detail").scrollIntoView({ block: "nearest" });
  element("section").focus();
}

function closeSection() {
  openings += 1;
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
  seat.addEventListener("focus", () => {
    open.seat = seat;
    element("seat").textContent = seat.ariaLabel;
    element("change").textContent = "";
  });
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
  if (open?.seat !== seat) return;
  element("seat").textContent = seat.ariaLabel;
  // A seat is read aloud when it gets the focus, so only what changes after that is announced.
  if (document.activeElement === seat) element("change").textContent = seat.ariaLabel;
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

/** Text that did not change is not set again: it would be read aloud again. */
function say(id, words) {
  const place = element(id);
  if (place.textContent !== words) place.textContent = words;
  place.hidden = words === "";
}

const backoff = (count, error) => Math.min(
  Math.max(error.wait ?? 0, POLL_MIN_MS * 2 ** count), RETRY_MAX_MS);

/** Pages that were opened in one moment do not stay in step. */
const spread = (pause) => pause * (0.9 + 0.2 * Math.random());

async function tick() {
  clearTimeout(timer);
  timer = 0;
  if (running || document.hidden) return;
  running = true;
  let isDone = false;
  try {
    const isNews = await readStatus();
    showFigures();
    failures = 0;
    wait = isNews ? POLL_MIN_MS : Math.min(wait * 1.5, POLL_MAX_MS);
    say("note", "");
    isDone = !isFollowed;
  } catch (error) {
    failures += 1;
    wait = backoff(failures, error);
    say("note", "The seats cannot be read right now; what you see may be old. Trying again.");
  } finally {
    running = false;
  }
  followPlan();
  if (!document.hidden && !isDone) timer = setTimeout(tick, spread(wait));
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
