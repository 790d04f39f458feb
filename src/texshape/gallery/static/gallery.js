// Filters, counts and the view of one picture. The data are in GALLERY (data.js); nothing else is loaded.
"use strict";
(() => {
  const NOT_SHOWN = 0, FIRST_CLASS = 2; // of a decision's byte; 1 is no class
  const SHAPE = 0, TEXTURE = 1, BOTH = 2, NEITHER = 3;
  const OUTCOMES = ["shape", "texture", "both", "neither"];
  const RIGHT = 2; // of a reading's digit; 0 not read, 1 wrong
  const READINGS = ["–", "wrong", "right"];
  const UNITS = { "": "%", entropy: "bits", humans: "%" };

  const byId = (id) => document.getElementById(id);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const whole = (value) => value.toLocaleString("en");
  const percent = (share) => `${(100 * share).toFixed(0)} %`;

  if (typeof GALLERY === "undefined" || GALLERY.format !== 1) {
    byId("count").textContent = "data.js is missing or of another version; write the gallery anew.";
    return;
  }
  const { classes, pictures, subjects } = GALLERY;
  const P = pictures.name.length, S = subjects.length;
  const decisions = bytes(GALLERY.decisions);
  const readings = GALLERY.readings ? bytes(GALLERY.readings) : null;
  const form = byId("filters"), list = byId("pictures"), detail = byId("detail");

  const className = (place) => classes[place];
  const answer = (code) => (code < FIRST_CLASS ? "no class" : classes[code - FIRST_CLASS]);
  const reading = (s, p, cue) => {
    const value = readings ? readings[s * P + p] : 0;
    return cue === SHAPE ? value % 3 : Math.floor(value / 3);
  };
  const alike = (p) => pictures.shape[p] === pictures.texture[p];

  // Which cue each decision follows, once; -1 where the picture was not shown.
  const outcomes = new Int8Array(S * P);
  for (let s = 0; s < S; s++) {
    for (let p = 0; p < P; p++) {
      const code = decisions[s * P + p], own = code - FIRST_CLASS;
      const shape = own === pictures.shape[p], texture = own === pictures.texture[p];
      outcomes[s * P + p] =
        code === NOT_SHOWN ? -1 : shape && texture ? BOTH : shape ? SHAPE : texture ? TEXTURE : NEITHER;
    }
  }

  // --- what is counted of each picture, over the subjects that are chosen --------------------------

  const chosen = new Set(subjects.keys());
  const tallies = Array.from({ length: P }, () => null);

  function tally(p, members) {
    const counts = [0, 0, 0, 0], groups = [new Map(), new Map()], sizes = [0, 0];
    for (const s of members) {
      const outcome = outcomes[s * P + p];
      if (outcome < 0) continue;
      counts[outcome]++;
      const group = subjects[s].human ? 0 : 1, code = decisions[s * P + p];
      groups[group].set(code, (groups[group].get(code) || 0) + 1);
      sizes[group]++;
    }
    const n = sizes[0] + sizes[1];
    const codes = [...new Set([...groups[0].keys(), ...groups[1].keys()])];
    const of = (group, code) => groups[group].get(code) || 0;
    // In one order, and whole numbers as far as possible: what is equal is equal to the last bit.
    const given = codes.map((code) => of(0, code) + of(1, code)).sort((a, b) => b - a);
    const entropy = given.reduce((sum, count) => sum - (count / n) * Math.log2(count / n), 0);
    const apart = codes.reduce((sum, code) => sum + Math.abs(of(0, code) * sizes[1] - of(1, code) * sizes[0]), 0);
    return {
      n,
      counts,
      "": n ? (100 * (n - given[0])) / n : NaN,
      entropy: n ? Math.abs(entropy) : NaN, // never minus zero
      humans: sizes[0] && sizes[1] ? (50 * apart) / (sizes[0] * sizes[1]) : NaN,
    };
  }

  function tallyAll() {
    const members = [...chosen];
    for (let p = 0; p < P; p++) {
      tallies[p] = tally(p, members);
      paint(p);
    }
  }

  // --- cards ---------------------------------------------------------------------------------------

  const cards = [];

  function picture(p, lazy) {
    const file = pictures.file[p];
    const shows = alike(p)
      ? `shape and texture ${className(pictures.shape[p])}`
      : `shape ${className(pictures.shape[p])}, texture ${className(pictures.texture[p])}`;
    if (file === null) {
      return make("span", { className: "stand-in", textContent: shows });
    }
    const image = make("img", { alt: lazy ? "" : `Picture ${pictures.name[p]}: ${shows}`, decoding: "async" });
    if (lazy) image.loading = "lazy";
    if (file.endsWith(".png")) image.className = "exact";
    image.src = `pictures/${file}`;
    return image;
  }

  function build() {
    for (let p = 0; p < P; p++) {
      const card = make("div", { className: "card", tabIndex: -1 });
      card.setAttribute("role", "option");
      card.setAttribute("aria-selected", "false");
      card.dataset.place = p;
      const share = make("span", { className: "share" });
      share.setAttribute("aria-hidden", "true");
      for (const letter of "stbn") share.append(make("i", { className: letter }));
      card.append(
        picture(p, true),
        make("span", { className: "name", textContent: pictures.name[p] }),
        share,
        make("span", { className: "tally" }),
      );
      cards.push(card);
    }
  }

  function paint(p) {
    const { n, counts } = tallies[p], card = cards[p];
    const [, , share, text] = card.children;
    for (let outcome = 0; outcome < 4; outcome++) {
      share.children[outcome].style.width = n ? `${(100 * counts[outcome]) / n}%` : "0";
    }
    const words = alike(p)
      ? `${counts[BOTH]}\u00a0both, ${counts[NEITHER]}\u00a0neither`
      : `${counts[SHAPE]}\u00a0shape, ${counts[TEXTURE]}\u00a0texture, ${counts[NEITHER]}\u00a0neither`;
    text.textContent = words;
    card.setAttribute("aria-label", `${pictures.name[p]}: ${words}`);
  }

  // --- filters -------------------------------------------------------------------------------------

  const FIELDS = ["search", "shape", "texture", "cues", "decided", "by", "measure", "least", "sort"];
  const EMPTY = { least: "0" };
  let shown = [];

  function matches(p, want, members) {
    const { n } = tallies[p];
    if (!n) return false;
    const name = pictures.name[p].toLowerCase();
    if (!want.terms.every((term) => name.includes(term))) return false;
    if (want.shape && className(pictures.shape[p]) !== want.shape) return false;
    if (want.texture && className(pictures.texture[p]) !== want.texture) return false;
    if (want.cues && (want.cues === "alike") !== alike(p)) return false;
    if (want.least > 0 && !(tallies[p][want.measure] >= want.least)) return false;
    if (!want.decided) return true;
    const [cue, known] = want.decided.split("-");
    const outcome = OUTCOMES.indexOf(cue);
    let of = n, count = tallies[p].counts[outcome];
    if (known) {
      const other = outcome === SHAPE ? TEXTURE : SHAPE;
      const read = members.filter((s) => outcomes[s * P + p] >= 0 && reading(s, p, other));
      of = read.length;
      count = read.filter((s) => outcomes[s * P + p] === outcome && reading(s, p, other) === RIGHT).length;
    }
    return want.by === "all" ? of > 0 && count === of : want.by === "most" ? 2 * count > of : count > 0;
  }

  function ordered(places, want) {
    const { sort, measure } = want;
    if (!sort) return places;
    const share = (p) => tallies[p].counts[OUTCOMES.indexOf(sort)] / tallies[p].n;
    const sign = sort === "agreement" ? 1 : -1;
    const key = sort === "disagreement" || sort === "agreement" ? (p) => tallies[p][measure] : share;
    return places
      .map((p) => [p, key(p)])
      .sort(([a, x], [b, y]) => {
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
        return sign * (x - y) || a - b;
      })
      .map(([p]) => p);
  }

  function update() {
    const want = Object.fromEntries(FIELDS.map((id) => [id, byId(id).value]));
    want.terms = want.search.toLowerCase().split(",").map((term) => term.trim()).filter(Boolean);
    want.least = Number.parseFloat(want.least) || 0;
    const members = [...chosen];
    shown = ordered(pictures.name.map((_, p) => p).filter((p) => matches(p, want, members)), want);
    list.replaceChildren(...shown.map((p) => cards[p]));
    byId("unit").textContent = `(${UNITS[want.measure]})`;
    byId("count").textContent =
      `${whole(shown.length)} of ${whole(P)} pictures shown, decisions of ${whole(chosen.size)} of ` +
      `${whole(S)} subjects counted.`;
    rove(current);
    countSubjects();
  }

  // --- subjects ------------------------------------------------------------------------------------

  const rows = [];

  function listSubjects() {
    for (let s = 0; s < S; s++) {
      const box = make("input", { type: "checkbox", checked: true });
      box.addEventListener("change", (event) => {
        event.stopPropagation();
        if (box.checked) chosen.add(s);
        else chosen.delete(s);
        choose();
      });
      const head = make("th", { scope: "row", title: subjects[s].source });
      head.append(make("label", {}, box, make("span", { textContent: subjects[s].name })));
      const cells = [0, 1, 2, 3].map(() => make("td"));
      rows.push({ box, cells });
      byId("subjects").append(make("tr", {}, head, ...cells));
    }
  }

  function countSubjects() {
    for (let s = 0; s < S; s++) {
      const counts = [0, 0, 0, 0];
      for (const p of shown) {
        const outcome = outcomes[s * P + p];
        if (outcome >= 0 && !alike(p)) counts[outcome]++;
      }
      const [shape, texture, , neither] = counts;
      const bias = shape + texture ? percent(shape / (shape + texture)) : "–";
      [shape, texture, neither, bias].forEach((value, i) => {
        rows[s].cells[i].textContent = value;
      });
    }
  }

  function choose() {
    tallyAll();
    update();
    remember();
  }

  const GROUPS = {
    all: () => true,
    none: () => false,
    humans: (one) => one.human,
    networks: (one) => !one.human,
  };

  function setChosen(wanted) {
    chosen.clear();
    subjects.forEach((one, s) => {
      const is = wanted(one);
      if (is) chosen.add(s);
      rows[s].box.checked = is;
    });
  }

  // --- one picture ---------------------------------------------------------------------------------

  function open(p) {
    current = p;
    byId("detail-title").textContent = pictures.name[p];
    byId("large").replaceChildren(picture(p, false));
    const all = tally(p, subjects.keys());
    byId("facts").textContent =
      (alike(p)
        ? `Shape and texture: ${className(pictures.shape[p])}. `
        : `Shape: ${className(pictures.shape[p])}. Texture: ${className(pictures.texture[p])}. `) +
      `Shown to ${whole(all.n)} of ${whole(S)} subjects: ${all[""].toFixed(0)} % disagree with the majority, ` +
      `entropy of their answers ${all.entropy.toFixed(2)} bits` +
      (Number.isNaN(all.humans) ? "." : `, humans and networks ${all.humans.toFixed(0)} % apart.`);
    byId("answers").replaceChildren(table(p));
    const place = shown.indexOf(p);
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place >= shown.length - 1;
    if (!detail.open) detail.showModal();
    detail.scrollTop = 0;
    byId("detail-title").focus();
    remember();
  }

  function table(p) {
    const members = [...subjects.keys()].filter((s) => outcomes[s * P + p] >= 0);
    const read = members.some((s) => reading(s, p, SHAPE) || reading(s, p, TEXTURE));
    const heads = ["Subject", "Decision", ...(read ? ["Shape read", "Texture read"] : [])];
    const column = (text) => make("th", { scope: "col", textContent: text });
    const found = make(
      "table",
      {},
      make("caption", { textContent: "Every subject's decision" + (read ? ", and what a linear read-out of its last stage finds" : "") }),
      make("thead", {}, make("tr", {}, ...heads.map(column))),
    );
    const titles = [
      `Shape: ${className(pictures.shape[p])}`,
      `Texture: ${className(pictures.texture[p])}`,
      `Both cues: ${className(pictures.shape[p])}`,
      "Neither",
    ];
    titles.forEach((title, outcome) => {
      const group = members.filter((s) => outcomes[s * P + p] === outcome);
      if (!group.length) return;
      const head = make("th", { scope: "colgroup", colSpan: heads.length, textContent: `${title} (${group.length})` });
      const body = make("tbody", { className: OUTCOMES[outcome] }, make("tr", {}, head));
      for (const s of group) {
        const cells = [answer(decisions[s * P + p])];
        if (read) cells.push(READINGS[reading(s, p, SHAPE)], READINGS[reading(s, p, TEXTURE)]);
        body.append(
          make(
            "tr",
            {},
            make("th", { scope: "row", textContent: subjects[s].name, title: subjects[s].source }),
            ...cells.map((text) => make("td", { textContent: text })),
          ),
        );
      }
      found.append(body);
    });
    return found;
  }

  const step = (by) => {
    const next = shown[shown.indexOf(current) + by];
    if (shown.includes(current) && next !== undefined) open(next);
  };

  // --- keyboard ------------------------------------------------------------------------------------

  let current = 0;

  // One picture takes part in the order of the Tab key: the one that arrows would move from.
  function rove(p) {
    for (const card of cards) {
      if (card.tabIndex !== 0) continue;
      card.tabIndex = -1;
      card.setAttribute("aria-selected", "false");
    }
    current = shown.includes(p) ? p : shown[0];
    if (current === undefined) return;
    cards[current].tabIndex = 0;
    cards[current].setAttribute("aria-selected", "true");
  }

  list.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const place = shown.indexOf(current);
    if (place < 0) return;
    const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const last = shown.length - 1;
    const moves = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      ArrowUp: place - columns,
      ArrowDown: place + columns,
      PageUp: Math.max(place - 4 * columns, place % columns),
      PageDown: place + 4 * columns > last ? last : place + 4 * columns,
      Home: 0,
      End: last,
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(current);
    } else if (event.key in moves) {
      event.preventDefault();
      const to = moves[event.key];
      if (to < 0 || to > last) return;
      rove(shown[to]);
      cards[current].focus();
    }
  });
  list.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card) rove(Number(card.dataset.place));
  });
  list.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (!card) return;
    rove(Number(card.dataset.place));
    open(current);
  });
  detail.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      step(event.key === "ArrowLeft" ? -1 : 1);
    }
  });
  detail.addEventListener("click", (event) => {
    if (event.target === detail) detail.close(); // beside it
  });
  detail.addEventListener("close", () => {
    rove(current);
    if (shown.includes(current)) cards[current].focus();
    remember();
  });
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => detail.close());

  // --- the address keeps filters and picture -------------------------------------------------------

  function remember() {
    const kept = new URLSearchParams();
    for (const id of FIELDS) {
      if (byId(id).value !== (EMPTY[id] || "")) kept.set(id, byId(id).value);
    }
    const key = chosen.size * 2 > S ? "without" : "only";
    if (chosen.size < S) {
      subjects.forEach((one, s) => {
        if (chosen.has(s) === (key === "only")) kept.append(key, one.name);
      });
      if (!chosen.size) kept.set("only", "");
    }
    if (detail.open) kept.set("picture", pictures.name[current]);
    const hash = kept.toString();
    if (location.hash.slice(1) !== hash) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function recall() {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const id of FIELDS) {
      const field = byId(id), given = kept.get(id) || "";
      const value = !given || (field.type === "number" && !(Number(given) >= 0)) ? EMPTY[id] || "" : given;
      field.value = value;
      if (field.value !== value) field.value = EMPTY[id] || ""; // a class that this gallery lacks
    }
    const only = kept.getAll("only"), without = kept.getAll("without");
    setChosen((one) => (only.length ? only.includes(one.name) : !without.includes(one.name)));
    tallyAll();
    update();
    const p = pictures.name.indexOf(kept.get("picture"));
    if (p >= 0) open(p);
    else if (detail.open) detail.close();
  }

  // --- start ---------------------------------------------------------------------------------------

  for (const cue of ["shape", "texture"]) {
    for (const place of [...new Set(pictures[cue])].sort((a, b) => a - b)) {
      byId(cue).append(make("option", { value: className(place), textContent: className(place) }));
    }
  }
  for (const option of byId("decided").querySelectorAll("[hidden]")) {
    if (readings) option.hidden = false;
    else option.remove();
  }
  build();
  listSubjects();
  byId("fold").open = matchMedia("(min-width: 64rem)").matches;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (!FIELDS.includes(event.target.id)) return;
    update();
    remember();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const id of FIELDS) byId(id).value = EMPTY[id] || "";
    setChosen(GROUPS.all);
    choose();
  });
  for (const button of form.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => {
      setChosen(GROUPS[button.dataset.choose]);
      choose();
    });
  }
  addEventListener("hashchange", recall);
  recall();
})();
