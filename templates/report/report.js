(function () {
  "use strict";
  document.body.classList.remove("km-no-js");
  var doc = document, words = JSON.parse(doc.body.getAttribute("data-words") || "{}");

  function all(selector, within) { return Array.prototype.slice.call((within || doc).querySelectorAll(selector)); }

  // Folds: whatever a link leads to is opened, and paper gets everything.
  var folds = all(".km-fold");
  function reveal(el) {
    for (var at = el; at; at = at.parentElement) { if (at.tagName === "DETAILS") { at.open = true; } }
  }
  function target() {
    var el = null;
    try { el = doc.getElementById(decodeURIComponent(location.hash.slice(1))); } catch (e) { /* no id */ }
    return el;
  }
  function lead() {
    var el = target();
    if (!el) { return; }
    if (el.closest(".km-out")) { reset(); }
    if (el.closest("details:not([open])")) { reveal(el); el.scrollIntoView(); }
  }
  var shut = [];
  window.addEventListener("beforeprint", function () {
    shut = folds.filter(function (f) { return !f.open; });
    shut.forEach(function (f) { f.open = true; });
  });
  window.addEventListener("afterprint", function () { shut.forEach(function (f) { f.open = false; }); shut = []; });

  // Definitions: what a mouse sees on hover, a keyboard sees on focus. One box for all, so that no table can cut it.
  var tip = doc.createElement("div"), notes = doc.createElement("div"), host = null;
  tip.className = "km-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  notes.hidden = true;
  doc.body.appendChild(tip);
  doc.body.appendChild(notes);
  function hide() { tip.hidden = true; host = null; }
  function show(el) {
    host = el;
    tip.textContent = el.getAttribute("data-tip") || entry(el).textContent;
    tip.hidden = false;
    var box = el.getBoundingClientRect(), size = tip.getBoundingClientRect(), wide = doc.documentElement.clientWidth;
    tip.style.left = Math.max(8, Math.min(box.left, wide - size.width - 8)) + "px";
    tip.style.top = (box.top - size.height - 6 > 8 ? box.top - size.height - 6 : box.bottom + 6) + "px";
  }
  doc.querySelectorAll(".km-main [title]").forEach(function (el, i) {
    var note = doc.createElement("span");
    note.id = "km-note-" + (i + 1);
    note.textContent = el.title;
    notes.appendChild(note);
    el.setAttribute("data-tip", el.title);
    el.removeAttribute("title");
    el.classList.add("km-tip-host");
    el.setAttribute("aria-describedby", note.id);
    if (!el.closest("th")) { el.tabIndex = 0; }
    var anchor = el.closest("th") || el;
    el.addEventListener("mouseenter", function () { show(el); });
    el.addEventListener("mouseleave", hide);
    anchor.addEventListener("focusin", function () { show(el); });
    anchor.addEventListener("focusout", hide);
    el.addEventListener("click", function () { show(el); });  // a finger neither hovers nor focuses
  });

  // A term or a figure: a mouse sees its meaning on hover; a click, a tap or Enter opens it to be read.
  var box = doc.createElement("dialog"), said = doc.createElement("div"), onward = doc.createElement("a"), close = doc.createElement("button");
  box.className = "km-dialog";
  box.setAttribute("aria-label", words.what_it_means);
  close.type = "button";
  close.textContent = words.close;
  close.addEventListener("click", function () { box.close(); });
  onward.textContent = words.to_entry;
  onward.addEventListener("click", function () { box.close(); });
  box.addEventListener("click", function (e) { if (e.target === box) { box.close(); } });
  box.appendChild(said);
  var foot = doc.createElement("p");
  foot.className = "km-dialog-foot";
  foot.appendChild(close);
  foot.appendChild(onward);
  box.appendChild(foot);
  doc.body.appendChild(box);
  function entry(a) { return doc.getElementById(a.getAttribute("href").slice(1)); }
  all(".km-main a.km-def").forEach(function (a) {
    if (!entry(a)) { return; }
    a.setAttribute("aria-haspopup", "dialog");
    a.addEventListener("mouseenter", function () { show(a); });
    a.addEventListener("mouseleave", hide);
    a.addEventListener("click", function (e) {
      if (e.ctrlKey || e.metaKey || e.shiftKey || !box.showModal) { return; }
      e.preventDefault();
      hide();
      said.textContent = "";
      var copy = entry(a).cloneNode(true);
      copy.removeAttribute("id");
      said.appendChild(copy);
      onward.href = a.getAttribute("href");
      box.showModal();
    });
  });
  doc.addEventListener("keydown", function (e) { if (e.key === "Escape" && host) { hide(); } });
  window.addEventListener("scroll", hide, { passive: true });

  // What can be chosen above the record: a tree of its parts, before lists get tools of their own.
  var find = doc.querySelector(".km-find"), bar = doc.querySelector(".km-found-bar"), chapters = [], reset = function () {};
  function plain(text) { return text.toLowerCase().replace(/ё/g, "е").replace(/[\s\u00a0\u202f]+/g, " ").replace(/[\u00ad\u200b]/g, ""); }
  function leaf(el, kind) { return { el: el, kind: kind, kids: null }; }
  function verdictsOf(el) {
    return (el.getAttribute("data-v") || all(".km-status", el).map(function (m) { return m.className; }).join(" ")).replace(/km-(status)?/g, "");
  }
  function parts(el) {  // of a part that is not told as a whole
    var out = [];
    Array.prototype.forEach.call(el.children, function (kid) {
      var is = function (what) { return kid.matches(what); };
      if (is("h2, .km-section > h3, summary, thead, caption, colgroup, .km-chapter-findings, .km-folded")) { return; }
      if (is(".km-card")) { out.push(leaf(kid, "card")); }
      else if (is(".km-unassessed")) { out.push(leaf(kid, "line")); }
      else if (is(".km-group")) { out.push(leaf(kid, "group")); }
      else if (is("tr")) { out.push(leaf(kid, kid.closest("#chapter-scorecard ~ *") ? "finding" : kid.closest(".km-scorecard") ? "line" : "row")); }
      else if (is(".km-entries > p")) { out.push(leaf(kid, "row")); }
      else if (is(".km-section") && kid.querySelector("h3[id$='-findings']") || is("section, details") && kid.querySelector(".km-entries, .km-defs") ||
          is(".km-cell, .km-entries, .km-defs, .km-table, .km-scroll, table, tbody")) {
        out.push({ el: kid, kind: "", kids: parts(kid) });
      } else if (is(".km-section, .km-fold")) { out.push(leaf(kid, "section")); }
      else { out.push(leaf(kid, "other")); }
    });
    return out;
  }
  function texts(part) {
    if ("text" in part) { return; }
    part.rows = [];
    if (part.kind !== "section") {
      var full = part.kind === "finding" && card(part.el);
      part.text = plain(part.el.textContent + (full ? " " + full.textContent : ""));
      return;
    }
    part.rows = all("tbody tr", part.el).map(function (tr) { return { el: tr, text: plain(tr.textContent) }; });
    var bare = part.el.cloneNode(true);
    all("tbody, .km-tools", bare).forEach(function (b) { b.remove(); });
    part.text = plain(bare.textContent);
  }
  function card(row) {
    var link = row.querySelector("th a[href^='#finding-']");
    return link && doc.getElementById(link.getAttribute("href").slice(1));
  }
  function mark(asked) {  // the words asked for, where the browser can point at them
    if (!window.CSS || !CSS.highlights) { return; }
    var lit = new Highlight(), node;
    chapters.forEach(function (c) {
      var texts = doc.createTreeWalker(c.el, NodeFilter.SHOW_TEXT);
      while (asked.length && lit.size < 2000 && (node = texts.nextNode())) {
        var text = node.data.toLowerCase().replace(/ё/g, "е");
        for (var k = 0; k < asked.length; k += 1) {
          for (var at = text.indexOf(asked[k]); at >= 0; at = text.indexOf(asked[k], at + 1)) {
            if (at + asked[k].length > node.length) { break; }
            var range = doc.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + asked[k].length);
            lit.add(range);
          }
        }
      }
    });
    CSS.highlights.set("asked", lit);
  }
  if (find) {
    find.hidden = false;
    doc.querySelector(".km-to-find").hidden = false;
    var field = doc.getElementById("find-text"), pick = doc.getElementById("find-chapter"), told = doc.getElementById("find-told");
    var boxes = all("input[name=verdict]", find), before = null, wait = 0;
    all(".km-main > .km-chapter").forEach(function (el) {
      var title = el.querySelector("h2").textContent.replace(/^\d+\. /, "");
      chapters.push({ el: el, title: title, kids: parts(el) });
    });
    var findings = all("#chapter-scorecard ~ * tbody tr:not(.km-group)").length;
    var apply = function (opened) {
      var want = plain(field.value).trim(), asked = want ? want.split(" ") : [], only = pick.value;
      var verdicts = boxes.filter(function (b) { return b.checked; }).map(function (b) { return b.value; });
      var active = asked.length > 0 || verdicts.length > 0 || only !== "";
      var count = { finding: 0, section: 0, row: 0 };
      if (active && !before) { before = folds.filter(function (f) { return f.open; }); }
      function has(text) { return asked.every(function (w) { return text.indexOf(w) >= 0; }); }
      function fits(part, chapter) {
        var kind = part.kind;
        if (!active) { return kind !== "finding" || !part.el.classList.contains("km-row-not_assessed"); }
        if (only && chapter !== only) { return false; }
        if (verdicts.length) {
          if (kind === "row" && !part.el.querySelector(".km-status") || kind === "other") { return false; }
          var have = verdictsOf(part.el).split(" ");
          if (!verdicts.some(function (v) { return have.indexOf(v) >= 0; })) { return false; }
        }
        texts(part);
        if (!asked.length) { return kind !== "row" || !!only || verdicts.length > 0; }
        var hits = part.rows.filter(function (r) { return has(r.text); });
        var ok = hits.length > 0 || has(part.text);
        part.rows.forEach(function (r) { r.el.classList.toggle("km-out", hits.length > 0 && !has(r.text)); });
        count.row += hits.length;
        return ok;
      }
      function visit(part, chapter) {
        var shown = false, group = null, any = false;
        if (part.kids) {
          part.kids.forEach(function (kid) {
            if (kid.kind === "group") {
              if (group) { group.el.classList.toggle("km-out", !any); }
              group = kid; any = false; chapter = kid.el.textContent.trim();
              return;
            }
            var ok = visit(kid, chapter);
            any = any || ok;
            shown = shown || ok;
          });
          if (group) { group.el.classList.toggle("km-out", !any); }
        } else {
          var id = part.kind === "row" && part.el.querySelector(".km-id"), own = id && /(^|[ ·])([a-z_]+)\.[a-z_]/.exec(id.textContent);
          shown = fits(part, own ? titles[own[2]] : chapter);
          if (!asked.length) { (part.rows || []).forEach(function (r) { r.el.classList.remove("km-out"); }); }
          if (shown && active && part.kind in count) { count[part.kind] += 1; }
        }
        part.el.classList.toggle("km-out", !shown);
        var fold = part.el.matches(".km-fold") ? part.el : part.el.closest(".km-fold");
        if (fold && active) { if (shown && asked.length && fold === part.el) { fold.open = true; } }
        return shown;
      }
      chapters.forEach(function (c) { visit(c, c.title); });
      if (!active && before) {
        folds.forEach(function (f) { f.open = before.indexOf(f) >= 0; });
        before = null;
      }
      mark(asked);
      var text = !active ? "" : count.finding + count.section + count.row === 0 ? words.find_none :
        words.find_told.replace("{f}", count.finding).replace("{all}", findings).replace("{s}", count.section).replace("{r}", count.row);
      told.textContent = text;
      bar.firstElementChild.textContent = text;
      bar.hidden = !active;
      all("[data-do=reset]").forEach(function (b) { b.hidden = !active; });
      reach();
      if (!opened) { keep(active ? { verdict: verdicts.join(","), chapter: only, text: field.value.trim() } : null); }
    };
    var titles = {};
    all(".km-chapter > h2").forEach(function (h) { titles[h.id.replace("chapter-", "")] = h.textContent.replace(/^\d+\. /, ""); });
    // the choice stands in the address, so that a link can be sent
    var keep = function (choice) {
      var asked = new URLSearchParams(), to;
      Object.keys(choice || {}).forEach(function (k) { if (choice[k]) { asked.set(k, choice[k]); } });
      to = choice ? "#find?" + asked : "#find";
      if (choice || location.hash.indexOf("#find?") === 0) {
        try { history.replaceState(null, "", to); } catch (e) { /* an address that may not change */ }
      }
    };
    var read = function () {
      if (location.hash.indexOf("#find?") !== 0) { return false; }
      var asked = new URLSearchParams(location.hash.slice(6)), verdicts = (asked.get("verdict") || "").split(",");
      field.value = asked.get("text") || "";
      pick.value = asked.get("chapter") || "";
      if (pick.selectedIndex < 0) { pick.selectedIndex = 0; }
      boxes.forEach(function (b) { b.checked = verdicts.indexOf(b.value) >= 0; });
      apply(true);
      find.scrollIntoView();
      return true;
    };
    reset = function () {
      field.value = "";
      pick.selectedIndex = 0;
      boxes.forEach(function (b) { b.checked = false; });
      apply();
    };
    field.addEventListener("input", function () { window.clearTimeout(wait); wait = window.setTimeout(apply, 150, false); });
    pick.addEventListener("change", function () { apply(); });
    boxes.forEach(function (b) { b.addEventListener("change", function () { apply(); }); });
    all("[data-do]").forEach(function (b) {
      b.addEventListener("click", function () {
        var what = b.getAttribute("data-do");
        if (what === "reset") { reset(); if (b.closest(".km-found-bar")) { find.scrollIntoView(); } field.focus({ preventScroll: true }); }
        else { folds.forEach(function (f) { f.open = what === "open"; }); }
      });
    });
    window.addEventListener("hashchange", function () { if (!read()) { lead(); } });
  } else { window.addEventListener("hashchange", lead); }
  doc.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a[href^='#']");
    if (a && a.getAttribute("href") === location.hash) { window.setTimeout(lead, 0); }  // the same place asked for again
  });

  // Lists: sort by a heading, filter by any word.
  var folded = new Intl.Collator(doc.documentElement.lang, { numeric: true, sensitivity: "base" });
  doc.querySelectorAll("table[data-sortable]").forEach(function (table) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), heads = table.tHead.rows[0].cells;
    function key(row, i) {
      var cell = row.cells[i];
      return cell.hasAttribute("data-v") ? cell.getAttribute("data-v") : cell.textContent.trim();
    }
    Array.prototype.forEach.call(heads, function (th, i) {
      var button = doc.createElement("button");
      button.type = "button";
      while (th.firstChild) { button.appendChild(th.firstChild); }
      th.appendChild(button);
      button.addEventListener("click", function () {
        var number = th.classList.contains("km-r");
        var up = th.getAttribute("aria-sort") ? th.getAttribute("aria-sort") === "descending" : !number;
        Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        rows.slice().sort(function (a, b) {
          var x = key(a, i), y = key(b, i);
          if (x === "" || y === "") { return (x === "") - (y === ""); }
          var order = number ? parseFloat(x) - parseFloat(y) : folded.compare(x, y);
          return up ? order : -order;
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
    if (rows.length >= 8) {
      var tools = doc.createElement("div"), label = doc.createElement("label"), input = doc.createElement("input"), hits = doc.createElement("span");
      tools.className = "km-tools";
      input.type = "search";
      hits.setAttribute("role", "status");
      label.appendChild(doc.createTextNode(words.filter + " "));
      label.appendChild(input);
      tools.appendChild(label);
      tools.appendChild(hits);
      var holder = table.closest(".km-table") || table.parentNode;
      holder.insertBefore(tools, holder.firstChild);
      input.addEventListener("input", function () {
        var want = input.value.toLowerCase().split(/\s+/), shown = 0;
        rows.forEach(function (row) {
          var have = row.textContent.toLowerCase(), fits = want.every(function (w) { return have.indexOf(w) >= 0; });
          row.hidden = !fits;
          shown += fits ? 1 : 0;
        });
        hits.textContent = input.value ? words.filter_hits.replace("{n}", shown) : "";
      });
    }
  });

  // What scrolls sideways can be reached with the keyboard.
  function reach() {
    var wide = all(".km-scroll, .km-plot, .km-pre");
    wide.forEach(function (el) { el.classList.remove("km-fits", "km-over"); });  // both change the width that is measured
    var overs = wide.map(function (el) { return el.scrollWidth > el.clientWidth + 1; });
    wide.forEach(function (el, i) {
      var over = overs[i];
      el.classList.toggle("km-over", over);  // what fits needs no bars of its own, and its head stays in sight
      el.classList.toggle("km-fits", !over && el.clientWidth > 0);
      if (over) { el.tabIndex = 0; el.setAttribute("role", "region"); el.setAttribute("aria-label", label(el)); }
      else { el.removeAttribute("tabindex"); el.removeAttribute("role"); el.removeAttribute("aria-label"); }
    });
  }
  function label(el) {
    var host = el.closest(".km-figure, .km-table"), title = host && host.querySelector(".km-fig-title, caption");
    if (title) { return title.textContent; }
    return words.table + " " + (all(".km-scroll, .km-plot, .km-pre").indexOf(el) + 1);  // a landmark needs a name of its own
  }
  reach();
  window.addEventListener("resize", reach);
  folds.forEach(function (f) { f.addEventListener("toggle", reach); });
  if (find) { apply(true); }
  if (!find || !read()) { lead(); }

  // Contents: folded away on a small screen, and showing where the reader is.
  var menu = doc.querySelector(".km-menu"), small = window.matchMedia("(max-width: 1023px)");
  function fold() { menu.open = !small.matches; }
  fold();
  small.addEventListener("change", fold);
  menu.addEventListener("click", function (e) { if (small.matches && e.target.tagName === "A") { menu.open = false; } });
  var links = {};
  menu.querySelectorAll("a").forEach(function (a) { links[a.getAttribute("href").slice(1)] = a; });
  var marks = Object.keys(links).map(function (id) { return doc.getElementById(id); }).filter(Boolean);
  var waiting = false;
  function here() {
    waiting = false;
    var current = null;
    marks.forEach(function (el) {
      if (el.getClientRects().length && el.getBoundingClientRect().top < 140) { current = el; }
    });
    menu.querySelectorAll("[aria-current]").forEach(function (a) { a.removeAttribute("aria-current"); });
    menu.querySelectorAll(".km-here").forEach(function (li) { li.classList.remove("km-here"); });
    if (!current) { return; }
    var link = links[current.id];
    link.setAttribute("aria-current", "location");
    var item = link.closest("ol ol") ? link.closest("ol ol").closest("li") : link.closest("li");
    item.classList.add("km-here");
  }
  window.addEventListener("scroll", function () { if (!waiting) { waiting = true; window.requestAnimationFrame(here); } }, { passive: true });
  here();
}());
