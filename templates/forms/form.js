"use strict";
// What the personal forms share: words, the browser's storage, the CSV that is sent. No network, nothing from outside.

const page = document.body;
const F = JSON.parse(page.dataset.form);
const W = F.words;

const $ = (id) => document.getElementById(id);

/** A word of the form, its {places} filled. */
function say(key, values) {
  return W[key].replace(/\{(\w+)\}/g, (all, name) => (values && name in values ? values[name] : all));
}

/** An element with properties and children; texts stay texts. */
function el(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("aria-") || name.startsWith("data-") || name === "for" || name === "list") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((c) => c !== null));
  return made;
}

let telling = 0;

/** Tell the person what has just happened, aloud too. */
function tell(text) {
  $("said").textContent = text;
  clearTimeout(telling);
  telling = setTimeout(() => { $("said").textContent = ""; }, 6000);
}

/**
 * What the browser keeps. `kind`: "no" — nothing; "new" — something, not yet seen again; "kept" — what an earlier
 * visit had left was there. A reload proves nothing: the mark of this visit lives in sessionStorage, which goes with
 * the window.
 */
const store = {
  kind: "no",
  memory: null,
  open() {
    const mark = F.key + ".opened";
    try {
      localStorage.setItem(F.key + ".test", "1");
      if (localStorage.getItem(F.key + ".test") !== "1") throw new Error("nothing is kept");
      localStorage.removeItem(F.key + ".test");
      this.kind = "new";
      const before = localStorage.getItem(mark);
      let same = null;
      try { same = sessionStorage.getItem(mark); sessionStorage.setItem(mark, "1"); } catch (e) { same = "1"; }
      if (before === "kept" || (before && !same)) this.kind = "kept";
      localStorage.setItem(mark, this.kind);
    } catch (e) {
      this.kind = "no";
    }
    this.show();
  },
  show() {
    $("store").textContent = say("store_" + this.kind);
    $("store-top").hidden = this.kind !== "no";
    page.dataset.store = this.kind;
  },
  read() {
    if (this.kind === "no") return this.memory;
    try { return JSON.parse(localStorage.getItem(F.key)); } catch (e) { return null; }
  },
  write(state) {
    this.memory = state;
    if (this.kind === "no") return;
    try {
      localStorage.setItem(F.key, JSON.stringify(state));
    } catch (e) { // full, or forbidden meanwhile
      this.kind = "no";
      this.show();
    }
  },
  forget() {
    this.memory = null;
    try { localStorage.removeItem(F.key); } catch (e) { /* nothing was kept */ }
  },
};

/** Rows of values as CSV: semicolons, UTF-8 with its mark, which Excel wants. */
function csv(head, rows) {
  const cell = (v) => (/[";\r\n]/.test(v) ? '"' + v.replace(/"/g, '""') + '"' : v);
  return "\ufeff" + [head, ...rows].map((row) => row.map((v) => cell(String(v))).join(";") + "\r\n").join("");
}

/** CSV of ours, read back: a list of rows, the head among them. */
function readCsv(text) {
  const rows = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^";\r\n]*))(;|\r?\n|$)/y;
  const plain = text.replace(/^\ufeff/, "");
  while (pattern.lastIndex < plain.length) {
    const found = pattern.exec(plain);
    if (!found) return [];
    rows[rows.length - 1].push(found[1] === undefined ? found[2] : found[1].replace(/""/g, '"'));
    if (found[3] !== ";") rows.push([]);
  }
  return rows.filter((row) => row.some((v) => v !== ""));
}

/** Hand the file over by the share sheet, where there is one for files; download it where not, or if `plainly`. */
function handOver(name, text, plainly, done) {
  const download = () => {
    const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name, hidden: true });
    page.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    tell(say("saved", { file: name }));
    done();
  };
  let file = null;
  try { file = new File([text], name, { type: "text/csv" }); } catch (e) { /* a browser without files */ }
  if (plainly || !file || !navigator.canShare || !navigator.canShare({ files: [file] })) {
    download();
    return;
  }
  navigator.share({ files: [file], title: name }).then(
    () => { tell(W.sent); done(); },
    (e) => { if (e.name !== "AbortError") download(); },
  );
}

/** Show the file as text to be copied: the way out where nothing can be saved. */
function showText(text) {
  $("text").value = text;
  $("text-box").hidden = false;
  $("text").focus();
  $("text").select();
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => tell(W.copied), () => {});
}

/** Let `take` have the text of a file that the person chooses. */
function onFile(take) {
  $("load").addEventListener("change", () => {
    const chosen = $("load").files[0];
    if (!chosen) return;
    const reader = new FileReader();
    let tried = false;
    reader.onload = () => {
      if (String(reader.result).includes("\ufffd") && !tried) { // saved anew by Excel
        tried = true;
        reader.readAsText(chosen, "windows-1251");
        return;
      }
      take(String(reader.result));
      $("load").value = "";
    };
    reader.readAsText(chosen);
  });
}

const two = (n) => String(n).padStart(2, "0");
const isoDay = (t) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
