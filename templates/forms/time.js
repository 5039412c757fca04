// The time sheet: hours a month by function. `state.hours` holds what was filled in, 0 and blank alike are nothing.

const HEAD = ["person", "function", "share", "confidence"];
const ALLOWED = 0.02; // the sum of shares may miss 1 by so much

let state = { hours: {}, confidence: "2" };

const sum = () => Object.values(state.hours).reduce((a, b) => a + b, 0);
const round = (h) => Math.round(h * 10) / 10;
const shown = (h) => round(h).toLocaleString(F.lang);
const fits = () => Math.abs(sum() / F.hours - 1) <= ALLOWED + 1e-9;

function put(code, value) {
  const h = Math.min(Math.max(Number(String(value).replace(",", ".")) || 0, 0), F.hours);
  if (h > 0) state.hours[code] = h;
  else delete state.hours[code];
  store.write(state);
}

/** Bring fields and sum to what is in `state`; the field under the finger is left alone. */
function draw() {
  for (const row of document.querySelectorAll(".row")) {
    const h = state.hours[row.dataset.code] || 0;
    for (const field of row.querySelectorAll("input")) if (document.activeElement !== field) field.value = h ? round(h) : field.type === "range" ? 0 : "";
    row.classList.toggle("filled", h > 0);
    row.querySelector(".percent").textContent = h ? `${Math.round((100 * h) / F.hours)} %` : "";
  }
  const total = sum();
  const rest = round(F.hours - total);
  const why = fits() ? W.sum_good : rest > 0 ? say("sum_less", { n: shown(rest) }) : say("sum_more", { n: shown(-rest) });
  $("sum").textContent = say("hours_of", { n: shown(total), all: shown(F.hours) });
  $("why").textContent = why;
  $("fill").style.width = `${Math.min(100, (100 * total) / F.hours)}%`;
  page.dataset.sum = fits() ? "good" : rest > 0 ? "less" : "more";
  $("scale").disabled = !total || fits();
  for (const id of ["send", "download", "copy"]) $(id).disabled = !fits();
  $("send-note").textContent = fits() ? W.send_note : say("not_yet", { why: why });
  $("confidence").value = state.confidence;
}

function file() {
  const rows = F.functions.filter((f) => state.hours[f[0]]).map((f) => [F.code, f[0], (state.hours[f[0]] / F.hours).toFixed(4), state.confidence]);
  return { name: `time_${F.file}_${isoDay(new Date())}.csv`, text: csv(HEAD, rows) };
}

function take(text) {
  const rows = readCsv(text);
  const known = new Set(F.functions.map((f) => f[0]));
  if (rows.length < 2 || !HEAD.every((key, k) => rows[0][k] === key) || !rows.slice(1).every((r) => r[0] === F.code && known.has(r[1]))) {
    tell(say("not_ours", { code: F.code }));
    return;
  }
  state = { hours: {}, confidence: rows[1][3] || "2" };
  for (const r of rows.slice(1)) put(r[1], Number(r[2]) * F.hours);
  draw();
  tell(say("loaded", { n: rows.length - 1 }));
}

function makeRow([code, name, full]) {
  const change = (event) => { put(code, event.target.value); draw(); };
  const label = { "aria-label": `${name}, ${W.hours_short}` };
  return el("div", { className: "row", "data-code": code },
    el("span", { className: "name", textContent: name, title: full }),
    el("input", Object.assign({ type: "range", min: 0, max: F.hours, step: 1, value: 0, oninput: change }, label)),
    el("input", Object.assign({ type: "number", min: 0, max: F.hours, step: "any", inputMode: "decimal", oninput: change, onchange: draw }, label)),
    el("span", { className: "unit", textContent: W.hours_short }),
    el("span", { className: "percent" }));
}

function begin() {
  store.open();
  state = Object.assign(state, store.read());
  const first = F.large.map((code) => F.functions.find((f) => f[0] === code));
  $("large").append(...first.map(makeRow));
  for (const [code, name] of F.groups) {
    const rest = F.functions.filter((f) => f[3] === code && !F.large.includes(f[0]));
    if (rest.length) $("all").append(el("div", { className: "group" }, el("h3", { textContent: name }), ...rest.map(makeRow)));
  }
  if (F.functions.some((f) => !F.large.includes(f[0]) && state.hours[f[0]])) $("more").open = true;
  $("scale").onclick = () => {
    const times = F.hours / sum();
    for (const code of Object.keys(state.hours)) state.hours[code] = round(state.hours[code] * times);
    store.write(state);
    draw();
    tell(W.scaled);
  };
  $("confidence").onchange = () => { state.confidence = $("confidence").value; store.write(state); };
  $("send").onclick = () => { const made = file(); handOver(made.name, made.text, false, () => {}); };
  $("download").onclick = () => { const made = file(); handOver(made.name, made.text, true, () => {}); };
  $("copy").onclick = () => showText(file().text);
  onFile(take);
  $("forget").onclick = () => {
    if (!window.confirm(W.clear_sure)) return;
    store.forget();
    state = { hours: {}, confidence: "2" };
    draw();
  };
  window.addEventListener("storage", (event) => {
    if (event.key === F.key && event.newValue) { state = JSON.parse(event.newValue); draw(); }
  });
  page.classList.remove("no-script");
  draw();
}

begin();
