(function () {
  "use strict";
  document.body.classList.remove("km-no-js");
  var doc = document, words = JSON.parse(doc.body.getAttribute("data-words") || "{}");

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
    tip.textContent = el.getAttribute("data-tip");
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
  });
  doc.addEventListener("keydown", function (e) { if (e.key === "Escape" && host) { hide(); } });
  window.addEventListener("scroll", hide, { passive: true });

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
        hits.textContent = input.value ? words.hits.replace("{n}", shown) : "";
      });
    }
  });

  // What scrolls sideways can be reached with the keyboard.
  function reach() {
    doc.querySelectorAll(".km-scroll, .km-plot, .km-pre").forEach(function (el) {
      if (el.scrollWidth > el.clientWidth + 1) { el.tabIndex = 0; el.setAttribute("role", "region"); el.setAttribute("aria-label", label(el)); }
      else { el.removeAttribute("tabindex"); el.removeAttribute("role"); el.removeAttribute("aria-label"); }
    });
  }
  function label(el) {
    var host = el.closest(".km-figure, .km-table"), title = host && host.querySelector(".km-fig-title, caption");
    if (title) { return title.textContent; }
    var all = Array.prototype.slice.call(doc.querySelectorAll(".km-scroll, .km-plot, .km-pre"));
    return words.table + " " + (all.indexOf(el) + 1);  // a landmark needs a name of its own
  }
  reach();
  window.addEventListener("resize", reach);

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
    marks.forEach(function (el) { if (el.getBoundingClientRect().top < 140) { current = el; } });
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
