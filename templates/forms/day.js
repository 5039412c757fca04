// The day: a list of entries, one of which may be running. Everything on the page is drawn from `state`.
// Entry: d day (2026-11-30), s and e minutes since midnight (e null while it runs), f function, i who began it,
// c client, x 1 where it was interrupted.

const BREAK = "OV_BREAK";
const MIDNIGHT = 1440; // as the end of a day; a field of time calls it 00:00
const HEAD = ["person", "date", "start", "end", "function", "initiator", "client", "interrupted"];
const NAMES = Object.fromEntries(F.functions.map((f) => [f[0], f[1]]));
const GROUP = Object.fromEntries(F.functions.map((f) => [f[0], f[3]]));

let state = { entries: [], past: [], unsaved: 0 };
let shown = null; // the day looked at; null: today
let edited = null; // the entry in the dialog; null: a new one

const clock = (m) => `${two(Math.floor(m / 60))}:${two(m % 60)}`;
const span = (m) => (m < 60 ? say("minutes", { n: m }) : say(m % 60 ? "hours" : "whole_hours", { h: Math.floor(m / 60), m: m % 60 }));
const minuteNow = () => { const t = new Date(); return t.getHours() * 60 + t.getMinutes(); };
const today = () => isoDay(new Date());
const ofDay = (d) => state.entries.filter((e) => e.d === d).sort((a, b) => a.s - b.s);
// What runs began today and not later than now; what else has no end was left over night, or by a clock put back.
const running = () => state.entries.filter((e) => e.e === null && e.d === today() && e.s <= minuteNow()).pop();
const left = () => state.entries.filter((e) => e.e === null && e !== running());
const dayName = (d) => new Date(d + "T12:00:00").toLocaleDateString(F.lang, { weekday: "short", day: "2-digit", month: "2-digit" });

/** Change the entries so that it can be undone, keep them, draw them. */
function change(work) {
  const before = JSON.stringify(state.entries);
  work();
  if (JSON.stringify(state.entries) === before) return;
  tell("");
  state.past.push(before);
  state.past = state.past.slice(-20);
  state.unsaved += 1;
  store.write(state);
  draw();
}

function undo() {
  if (!state.past.length) return;
  state.entries = JSON.parse(state.past.pop());
  state.unsaved += 1;
  store.write(state);
  tell(W.undone);
  draw();
}

/** End what is running; what lasted no minute was a slip of the finger. */
function end() {
  const now = running();
  if (!now) return;
  now.e = minuteNow();
  if (now.e <= now.s) state.entries = state.entries.filter((e) => e !== now);
}

/** Begin an activity. The button of what is running begins it anew: the next order, the next client. */
function start(f, like) {
  const now = running();
  const again = now && now.f === f;
  if (again && now.s === minuteNow()) return; // tapped twice
  change(() => {
    end();
    state.entries.push({ d: today(), s: minuteNow(), e: null, f: f, i: like ? like.i : "", c: like ? like.c : "", x: 0 });
    shown = null;
  });
  if (again) tell(W.again);
  if ($("now").getBoundingClientRect().top < 0) $("now").scrollIntoView({ block: "start" }); // who began it is asked there
}

/** What one may want to go back to: what was interrupted and not taken up again, or what a pause broke off. */
function wayBack() {
  const list = ofDay(today());
  const at = list.indexOf(running());
  if (at < 1) return null;
  if (list[at].f === BREAK) return list[at - 1];
  for (let k = at - 1; k >= 0; k -= 1) {
    if (list[k].x && !list.slice(k + 1).some((e) => e.f === list[k].f)) return list[k];
  }
  return null;
}

/** Put an entry among the others of its day: neighbours give way. Returns the entry that would vanish, or null. */
function place(entry) {
  const until = (e) => (e.e === null ? Math.max(e.d === today() ? minuteNow() : 0, e.s + 1) : e.e);
  const from = entry.s;
  const to = until(entry);
  const others = state.entries.filter((e) => e !== entry && e.d === entry.d && e.s < to && until(e) > from);
  const lost = others.find((e) => e.s >= from && until(e) <= to);
  if (lost) return lost;
  for (const other of others) {
    if (other.s < from && until(other) > to) {
      state.entries.push(Object.assign({}, other, { s: to }));
      other.e = from;
    } else if (other.s < from) other.e = from;
    else other.s = to;
  }
  return null;
}

// --- drawing

let drawn = ""; // the day on which the page was last drawn

/** The time that goes by; the lists are drawn anew when the day is another, not under somebody's finger. */
function tick() {
  const now = running();
  if (drawn !== today()) draw();
  else $("now-time").textContent = now ? `${say("since", { time: clock(now.s) })} · ${span(Math.max(minuteNow() - now.s, 0))}` : "";
}

function draw() {
  drawn = today();
  const now = running();
  const d = shown || today();
  $("now-name").textContent = now ? NAMES[now.f] : W.nothing;
  $("now").classList.toggle("running", Boolean(now));
  tick();
  $("about").hidden = !now || now.f === BREAK;
  for (const b of $("who").children) b.setAttribute("aria-pressed", String(Boolean(now) && now.i === b.value));
  if (document.activeElement !== $("client")) $("client").value = now ? clientName(now.c) : "";
  $("interrupt").disabled = !now || now.f === BREAK;
  $("interrupt").setAttribute("aria-pressed", String(Boolean(now && now.x)));
  $("pause").disabled = !now || now.f === BREAK;
  $("undo").disabled = !state.past.length;
  $("stop").disabled = !now;
  const back = wayBack();
  $("back").hidden = !back;
  if (back) $("back").textContent = say("back", { name: NAMES[back.f] });
  const used = new Set([...F.large, ...state.entries.map((e) => e.f)]);
  for (const b of document.querySelectorAll("button.do")) {
    b.setAttribute("aria-pressed", String(Boolean(now) && now.f === b.value));
    if (b.parentElement === $("large")) b.hidden = !used.has(b.value) || b.value === BREAK;
  }
  $("hint").hidden = state.entries.length > 0;
  $("store-top").hidden = store.kind !== "no" || state.entries.length > 0;
  drawOpen();
  drawDays(d);
  drawEntries(d);
  drawSummary(d);
  drawSend();
}

function drawOpen() {
  $("open").replaceChildren(...left().map((e) => el("p", { className: "warn" },
    say("open_entry", { name: NAMES[e.f], date: dayName(e.d) }) + " ",
    el("button", { type: "button", textContent: W.edit, onclick: () => openDialog(e) }))));
}

function drawDays(d) {
  const days = [...new Set([...state.entries.map((e) => e.d), today()])].sort();
  $("days").replaceChildren(...(days.length < 2 ? [] : days.map((one) => el("button", {
    type: "button", textContent: one === today() ? W.today : dayName(one), "aria-pressed": String(one === d),
    onclick: () => { shown = one; draw(); },
  }))));
  $("entries-title").textContent = `${W.entries}: ${d === today() ? W.today.toLowerCase() : dayName(d)}`;
}

function drawEntries(d) {
  const list = ofDay(d);
  $("none").hidden = list.length > 0;
  $("entries").replaceChildren(...list.map((e) => {
    const ends = e.e !== null ? clock(e.e) : e === running() ? W.running : W.no_end;
    const about = [e.i ? W[e.i] : "", e.c ? clientName(e.c) : "", e.x ? W.interrupted : ""].filter(Boolean).join(" · ");
    return el("li", {}, el("button", { type: "button", className: "entry", onclick: () => openDialog(e) },
      el("span", { className: "when", textContent: `${clock(e.s)}–${ends}` }),
      el("span", { className: "what" }, NAMES[e.f], about ? el("small", { textContent: about }) : null)));
  }));
}

const worked = (list) => list.filter((e) => e.e !== null || e === running()).map((e) => [e, (e.e === null ? minuteNow() : e.e) - e.s]);

function drawSummary(d) {
  const list = worked(ofDay(d));
  $("summary").hidden = !list.length;
  if (!list.length) return;
  const total = list.reduce((sum, pair) => sum + pair[1], 0);
  const groups = F.groups.map(([code, name]) => [name, list.filter((p) => GROUP[p[0].f] === code && p[0].f !== BREAK).reduce((s, p) => s + p[1], 0)])
    .concat([[NAMES[BREAK], list.filter((p) => p[0].f === BREAK).reduce((s, p) => s + p[1], 0)]]).filter((g) => g[1] > 0).sort((a, b) => b[1] - a[1]);
  $("bars").replaceChildren(...groups.map(([name, minutes]) => {
    const bar = el("span", { className: "bar" });
    bar.style.width = `${Math.max(1, (100 * minutes) / groups[0][1])}%`;
    return el("li", {}, el("span", { textContent: name }), el("b", { textContent: span(minutes) }), bar);
  }));
  const work = list.map((p) => p[0]);
  const changes = work.filter((e, k) => k > 0 && e.f !== work[k - 1].f).length;
  const gap = work.reduce((sum, e, k) => sum + (k > 0 && work[k - 1].e !== null ? Math.max(e.s - work[k - 1].e, 0) : 0), 0);
  const count = (i) => work.filter((e) => e.i === i).length;
  const facts = [say("total", { time: span(total) }), say("switches", { n: changes }), say("interruptions", { n: work.filter((e) => e.x).length })];
  if (count("IN") + count("OUT")) facts.push(say("begun", { client: count("IN"), own: count("OUT") }));
  $("facts").textContent = facts.join("; ") + ".";
  const notes = [];
  if (gap > 0) notes.push(say("gaps", { time: span(gap) }));
  if (total < F.least && !(d === today() && running())) notes.push(say("short", { time: span(F.least) }));
  $("notes").textContent = notes.join(" ");
}

function drawSend() {
  const days = [...new Set(finished().map((e) => e.d))].sort();
  $("send-note").textContent = days.length ? say("send_note", { days: days.map(dayName).join(", ") }) : W.nothing_to_send;
  const open = left().length;
  $("left-out").textContent = open ? say("left_out", { n: open }) : "";
  for (const id of ["send", "download", "copy"]) $(id).disabled = !days.length;
  $("save-now").hidden = !(store.kind === "no" && state.unsaved && days.length);
  $("save-now-text").textContent = say("unsaved", { n: state.unsaved });
}

// --- clients

const CLIENTS = new Map(F.clients || []);
const BY_NAME = new Map((F.clients || []).map(([id, name]) => [name.toLowerCase(), id]));
const clientName = (id) => CLIENTS.get(id) || id;
const clientId = (text) => BY_NAME.get(text.trim().toLowerCase()) || text.trim();

// --- the file

/** Entries that the file holds: those that have ended, and what is running now up to this minute. */
function finished() {
  return state.entries.map((e) => (e === running() ? Object.assign({}, e, { e: minuteNow() }) : e))
    .filter((e) => e.e !== null && e.e > e.s).sort((a, b) => (a.d + clock(a.s) < b.d + clock(b.s) ? -1 : 1));
}

function file() {
  const list = finished();
  const rows = list.map((e) => [F.code, e.d, clock(e.s), clock(e.e), e.f, e.i, e.c, e.x]);
  const name = `day_log_${F.file}_${list[0].d}_${list[list.length - 1].d}.csv`;
  return { name: name, text: csv(HEAD, rows) };
}

function send(plainly) {
  const made = file();
  handOver(made.name, made.text, plainly, () => { state.unsaved = 0; store.write(state); drawSend(); });
}

/** Take the days of a file of ours; they replace the same days here. */
function take(text) {
  const rows = readCsv(text);
  const minute = (t) => { const p = t.split(":"); return 60 * Number(p[0]) + Number(p[1]); };
  // Excel writes dates and times as its country does: 30.11.2026, 9:00:00
  for (const r of rows.slice(1)) if (r.length > 1) r[1] = r[1].replace(/^(\d\d)\.(\d\d)\.(\d{4})$/, "$3-$2-$1");
  const fits = rows.length > 1 && HEAD.every((key, k) => rows[0][k] === key) &&
    rows.slice(1).every((r) => r.length === HEAD.length && r[0] === F.code && /^\d{4}-\d\d-\d\d$/.test(r[1]) && r[4] in NAMES && minute(r[3]) > minute(r[2]));
  if (!fits) {
    tell(say("not_ours", { code: F.code }));
    return;
  }
  const taken = rows.slice(1).map((r) => ({ d: r[1], s: minute(r[2]), e: minute(r[3]), f: r[4], i: r[5], c: r[6], x: Number(r[7]) }));
  const days = new Set(taken.map((e) => e.d));
  change(() => { state.entries = state.entries.filter((e) => !days.has(e.d)).concat(taken); });
  state.unsaved = 0;
  store.write(state);
  draw();
  tell(say("loaded", { n: taken.length }));
}

// --- the dialog

function openDialog(entry) {
  edited = entry;
  const e = entry || { d: shown || today(), s: null, e: null, f: F.large[0], i: "", c: "", x: 0 };
  $("dialog-title").textContent = entry ? W.edit : W.add;
  $("e-what").value = e.f;
  $("e-date").value = e.d;
  $("e-date").max = today();
  $("e-from").value = e.s === null ? "" : clock(e.s);
  $("e-to").value = e.e === null ? "" : clock(e.e % MIDNIGHT);
  $("e-who").value = e.i;
  $("e-client").value = clientName(e.c);
  $("e-cut").checked = Boolean(e.x);
  $("e-delete").hidden = !entry;
  $("e-wrong").textContent = "";
  $("dialog").showModal();
}

function saveDialog(event) {
  event.preventDefault();
  const minute = (id) => { const p = $(id).value.split(":"); return p.length > 1 ? 60 * Number(p[0]) + Number(p[1]) : null; };
  const e = { d: $("e-date").value, s: minute("e-from"), e: minute("e-to"), f: $("e-what").value, i: $("e-who").value,
    c: clientId($("e-client").value), x: $("e-cut").checked ? 1 : 0 };
  if (e.e === 0) e.e = MIDNIGHT;
  const runs = e.e === null && edited && edited === running() && e.d === today();
  if (!e.d || e.s === null || (e.e === null && !runs) || (e.e !== null && e.e <= e.s)) {
    $("e-wrong").textContent = W.bad_times;
    return;
  }
  if (e.d > today() || (e.d === today() && Math.max(e.s, e.e || 0) > minuteNow())) {
    $("e-wrong").textContent = W.future;
    return;
  }
  let lost = null;
  const was = JSON.stringify(state.entries);
  const old = edited === null ? null : JSON.parse(JSON.stringify(edited));
  change(() => {
    const entry = edited || {};
    Object.assign(entry, e);
    if (!edited) state.entries.push(entry);
    lost = place(entry);
    if (lost && !edited) state.entries.pop();
    if (lost && edited) Object.assign(edited, old);
  });
  if (lost) {
    $("e-wrong").textContent = say("overlap", { name: NAMES[lost.f], from: clock(lost.s), to: lost.e === null ? W.running : clock(lost.e) });
    return;
  }
  if (JSON.stringify(state.entries) !== was) shown = e.d === today() ? null : e.d;
  $("dialog").close();
  draw();
}

// --- what the person touches

function fillSelects() {
  for (const [code, name] of F.groups) {
    const mine = F.functions.filter((f) => f[3] === code);
    $("e-what").append(el("optgroup", { label: name }, ...mine.map((f) => el("option", { value: f[0], textContent: f[1] }))));
    $("all").append(el("div", { className: "group" }, el("h3", { textContent: name }),
      el("div", { className: "buttons" }, ...mine.map((f) => doButton(f)))));
  }
  const first = F.large.map((code) => F.functions.find((f) => f[0] === code));
  $("large").append(...[...first, ...F.functions.filter((f) => !F.large.includes(f[0]))].map((f) => doButton(f)));
  for (const code of ["IN", "OUT", "INT", "SYS"]) {
    $("who").append(el("button", { type: "button", value: code, textContent: W[code], onclick: () => {
      change(() => { const now = running(); if (now) now.i = now.i === code ? "" : code; });
    } }));
    $("e-who").append(el("option", { value: code, textContent: W[code] }));
  }
  if (F.clients) $("clients").append(...F.clients.map((c) => el("option", { value: c[1] })));
}

function doButton([code, name, full]) {
  return el("button", { type: "button", className: "do", value: code, textContent: name, title: full, onclick: () => start(code) });
}

function begin() {
  store.open();
  state = Object.assign(state, store.read());
  fillSelects();
  $("back").onclick = () => { const back = wayBack(); start(back.f, back); };
  $("interrupt").onclick = () => {
    change(() => { const now = running(); now.x = now.x ? 0 : 1; });
    if (running().x) tell(W.what_now);
  };
  $("pause").onclick = () => start(BREAK);
  $("undo").onclick = undo;
  $("stop").onclick = () => { change(end); $("summary").scrollIntoView({ block: "start" }); };
  $("client").onchange = () => change(() => { const now = running(); if (now) now.c = clientId($("client").value); });
  $("find").oninput = () => {
    const said = $("find").value.trim().toLowerCase();
    for (const b of $("all").querySelectorAll("button.do")) b.hidden = !(b.textContent + " " + b.title).toLowerCase().includes(said);
    for (const g of $("all").children) g.hidden = !g.querySelector("button.do:not([hidden])");
  };
  $("add").onclick = () => openDialog(null);
  $("dialog-form").onsubmit = saveDialog;
  $("e-cancel").onclick = () => $("dialog").close();
  $("e-delete").onclick = () => { change(() => { state.entries = state.entries.filter((e) => e !== edited); }); $("dialog").close(); };
  $("send").onclick = () => send(false);
  $("download").onclick = () => send(true);
  $("save-now-button").onclick = () => send(true);
  $("copy").onclick = () => showText(file().text);
  onFile(take);
  $("forget").onclick = () => {
    if (!window.confirm(W.forget_sure)) return;
    store.forget();
    state = { entries: [], past: [], unsaved: 0 };
    shown = null;
    tell(W.forgotten);
    draw();
  };
  window.addEventListener("storage", (event) => { // another window of the same form
    if (event.key === F.key && event.newValue) { state = JSON.parse(event.newValue); draw(); }
  });
  window.addEventListener("beforeunload", (event) => { if (store.kind === "no" && state.unsaved) event.preventDefault(); });
  document.addEventListener("visibilitychange", draw);
  setInterval(tick, 20000);
  page.classList.remove("no-script");
  draw();
}

begin();
