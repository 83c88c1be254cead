"use strict";
// The page says all that it has to say without this script, which adds: the theme, sorting,
// filters, the flips beyond those that stand in the page, and downloads.
const MORE = 200, CHOICES = 1000, FEW = 20, LONGEST = 80, LONG = 160;
const find = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const commas = (count) => count.toLocaleString("en-US");

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// What words.py does to texts and numbers, for the rows that are made here.
const NO_COMMAND = "#\\u0023"; // what a CI server would take for one of its commands is broken up
const clean = (text) => {
  if (text === null) return "(none)";
  return text.replace(/[\p{C}\p{Z}]/gu, (sign) => sign === " " ? sign
    : "\\u" + sign.codePointAt(0).toString(16).padStart(4, "0"))
    .replace(/^( *)::/, "$1:\\u003a").replace(/##(?=[\p{L}\p{N}_]*\[)/gu, NO_COMMAND);
};
const tied = (exact, at) => /^50*(e|$)/.test(exact.slice(at)) && "02468".includes(exact[at - 1]); // to even
const fixed = (value) => {
  const exact = value.toFixed(25), at = exact.length - 23;
  return tied(exact, at) ? exact.slice(0, at) : value.toFixed(2);
};
const general = (size) => {
  const exact = size.toExponential(25);
  const text = tied(exact, 5) ? exact.slice(0, 5) + exact.slice(exact.indexOf("e")) : size.toExponential(3);
  const [digits, power] = text.split("e").map(Number);
  if (size === 0 || (power >= -4 && power < 4)) return String(Number(text));
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
};
const score = (value, plus = "") => (value < 0 ? "−" : value > 0 ? plus : "") + general(Math.abs(value));
const missing = (value) => value === null || value === undefined;
const change = (flip) => missing(flip.old_score) || missing(flip.new_score) ? null : flip.new_score - flip.old_score;
const KINDS = {
  id: clean,
  shown: (value) => value.split(/\r?\n/).map(clean).join("\n"),
  text: (value) => clean(value) || "(empty)",
  sure: (value) => missing(value) ? "–" : fixed(value),
  score: (value) => missing(value) ? "–" : score(value),
  change: (value) => missing(value) ? "–" : score(value, "+"),
};

// The embedded report: plain JSON, or gzip in base64 where it is large.
async function embedded(holder) {
  if (!holder.dataset.encoding) return holder.textContent;
  const bytes = Uint8Array.from(atob(holder.textContent), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

// A table whose rows are {cells: keys to sort by, text: what the filter sees, made(): the row}.
const collator = new Intl.Collator("en", { numeric: true });
const empty = (key) => missing(key) || key === "" || Number.isNaN(key);
function compared(one, two, down) {
  if (empty(one) || empty(two)) return empty(one) - empty(two);
  const order = typeof one === "number" && typeof two === "number" ? one - two : collator.compare(one, two);
  return down ? -order : order;
}

class Table {
  constructor(table, rows, after = () => {}) {
    Object.assign(this, { table, rows, after, shown: rows, limit: Infinity, down: false, column: null });
    this.heads = [...table.tHead.rows[0].cells];
    this.heads.forEach((head, column) => {
      find("button", head)?.addEventListener("click", () => this.sort(head, column));
    });
  }
  sort(head, column) {
    this.down = head.getAttribute("aria-sort") === "ascending";
    for (const other of this.heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
    this.rows.sort((one, two) => compared(one.cells[column], two.cells[column], this.down));
    this.column = find("button", head).textContent;
    this.show(this.keep);
  }
  show(keep = () => true) {
    this.keep = keep;
    this.shown = this.rows.filter(keep);
    this.draw();
  }
  draw() {
    this.table.tBodies[0].replaceChildren(...this.shown.slice(0, this.limit).map((row) => row.made()));
    this.after();
  }
}

function standing(row) {
  const cells = [...row.cells].map((cell) => {
    const key = cell.dataset.value ?? cell.textContent.trim();
    return key !== "" && !Number.isNaN(Number(key)) ? Number(key) : key;
  });
  return { cells, text: row.textContent.toLowerCase(), made: () => row };
}

// The flips: every one of the report, of which the page itself holds the first.
const shown = (example, name) => Object.hasOwn(example.shown ?? {}, name) ? example.shown[name] : "";
const KEYS = {
  change,
  image: () => null,
  shown: (example, field) => shown(example, JSON.parse(field)),
};
const CLASSES = { id: "id", image: "image", shown: "shown", text: "" }; // others are numbers

function tableCell(text, name) {
  const place = element("td", undefined, name ? { class: name } : {});
  if ([...text].length <= LONG) place.textContent = text;
  else {
    place.append(element("details", undefined, { class: "text" }));
    place.firstChild.append(element("summary", text));
  }
  return place;
}

function flip(example, columns, row) {
  const cells = columns.map(({ field, kind }) => KEYS[kind]?.(example, field) ?? example[field] ?? null);
  const told = columns.map(({ kind }, at) => kind === "image" ? "" : KINDS[kind](cells[at]));
  const make = () => {
    row = element("tr");
    columns.forEach(({ kind }, at) => row.append(tableCell(told[at], CLASSES[kind] ?? "number")));
    return row;
  };
  return { cells, told, example, text: told.join("\n").toLowerCase(), made: () => row ?? make() };
}

function choices(select, rows, column) {
  const values = new Map();
  for (const row of rows) values.set(row.told[column], (values.get(row.told[column]) ?? 0) + 1);
  if (values.size < 2 || values.size > Math.min(CHOICES, Math.max(FEW, rows.length / 2))) return;
  for (const value of [...values.keys()].sort(collator.compare)) {
    const text = value.length > LONGEST ? value.slice(0, LONGEST - 1) + "…" : value;
    const option = element("option", `${text} (${commas(values.get(value))})`);
    option.value = "=" + value; // "" is all
    select.append(option);
  }
  select.closest("label").hidden = false;
}

function flips(section, report) {
  const table = find("table", section), tools = find(".tools", section);
  const columns = [...table.tHead.rows[0].cells].map((head) => ({ ...head.dataset }));
  const rows = report.negative_flips.examples.map((example, at) =>
    flip(example, columns, table.tBodies[0].rows[at]));
  const [input, status, more] = ["input", "[role=status]", ".more"].map((each) => find(each, section));
  const selects = all("select", tools).map((select) =>
    ({ select, column: columns.findIndex(({ field }) => field === select.dataset.field) }));
  const made = new Table(table, rows, () => {
    const shown = Math.min(made.limit, made.shown.length);
    const sorted = made.column ? `, sorted by ${made.column}, ${made.down ? "descending" : "ascending"}` : "";
    const matching = made.shown.length < rows.length ? ` match, of ${commas(rows.length)}` : " listed";
    status.textContent = `${commas(shown)} shown of ${commas(made.shown.length)}${matching}${sorted}`;
    more.hidden = shown === made.shown.length;
    more.textContent = `Show ${commas(Math.min(MORE, made.shown.length - shown))} more`;
  });
  const size = Math.max(MORE, table.tBodies[0].rows.length);
  const filter = () => {
    const wanted = input.value.toLowerCase();
    made.limit = size;
    made.show((row) => row.text.includes(wanted) &&
      selects.every(({ select, column }) => select.value === "" || row.told[column] === select.value.slice(1)));
  };
  for (const { select, column } of selects) {
    choices(select, rows, column);
    select.addEventListener("change", filter);
  }
  input.addEventListener("input", filter);
  more.addEventListener("click", () => {
    const last = made.limit;
    made.limit += MORE;
    made.draw();
    const next = table.tBodies[0].rows[last];
    if (more.hidden && next) { next.tabIndex = -1; next.focus(); }
  });
  find(".unscripted", section)?.remove();
  tools.hidden = false;
  filter();
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
}

// Downloads, from memory: nothing is fetched.
function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", "", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
function cell(value) {
  let text = missing(value) ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text) && !NUMBER.test(text)) text = "'" + text; // no formula for a spreadsheet
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function table(examples) {
  const fields = ["id", "truth", "old", "new", "old_confidence", "new_confidence", "old_score", "new_score"]
    .filter((field) => field === "id" || examples.some((each) => !missing(each[field])));
  const names = all("table.flips [data-kind=shown]").map((head) => JSON.parse(head.dataset.field))
    .filter((name) => !fields.includes(name));
  const row = (each) => [...fields.map((field) => each[field]), ...names.map((name) => shown(each, name))];
  return [[...fields, ...names], ...examples.map(row)]
    .map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

// The theme: the system's, unless the button says another.
function theme(button) {
  const themes = ["system", "light", "dark"];
  const say = (chosen) => {
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    button.textContent = `Theme: ${chosen}`;
  };
  let at = 0;
  button.addEventListener("click", () => say(themes[at = (at + 1) % themes.length]));
  say(themes[at]);
  button.hidden = false;
}

// What does not fit its box is scrolled by keyboard too.
function reachable() {
  for (const box of all("section, .scroll")) {
    const hidden = box.scrollWidth > box.clientWidth || (box.matches(".scroll") && box.scrollHeight > box.clientHeight);
    if (hidden) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

document.documentElement.classList.add("scripted");
if (find("#theme")) theme(find("#theme"));
for (const each of all("table.sortable")) new Table(each, [...each.tBodies[0].rows].map(standing));
addEventListener("resize", reachable);
const folded = [];
addEventListener("beforeprint", () => {
  folded.push(...all("details:not([open])"));
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => { for (const each of folded.splice(0)) each.open = false; });
reachable();

const holder = find("#flipcheck-report");
if (holder) {
  embedded(holder).then((text) => {
    const report = JSON.parse(text), section = find("#flips");
    if (section && find("table", section)) flips(section, report);
    reachable();
    const [json, csv] = ["#download-json", "#download-csv"].map((each) => find(each));
    json.addEventListener("click", () => download("report.json", "application/json", text));
    csv?.addEventListener("click", () => download("flips.csv", "text/csv", table(report.negative_flips.examples)));
    find("#downloads").hidden = false;
  });
}
