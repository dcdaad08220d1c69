"use strict";
// Draws pictures of cases. Text from a case only ever becomes the text of a node: nothing is parsed as markup.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const GUTTER = 92, EDGE = 14, CHAR = 6.7, FEW = 40, NEAR = 26, TOP = (1n << 64n) - 1n;
  const WORDS = {
    lost: "lost", wrong: "wrong", broken: "broken", leaked: "leaked", foreign: "not its own", marker: "a marker",
    freedentry: "freed", freed: "freed", null: "NULL",
  };
  const FAULTS = new Set(["wrong", "lost", "broken", "leaked", "foreign", "freedentry", "marker"]);
  const LEGEND = [
    ["entry", "an entry or VMA"], ["null", "NULL"], ["table", "a page table"], ["page", "pages"],
    ["freed", "freed, as it must be"], ["leaked", "leaked: should be gone"], ["lost", "lost: should be there"],
    ["wrong", "wrong"], ["broken", "breaks an invariant"], ["freedentry", "freed, and still in a tree"], ["foreign", "another address space's"], ["marker", "a zero marker"],
  ];

  function element(name, properties, ...children) {
    const made = document.createElement(name);
    Object.assign(made, properties);
    made.append(...children);
    return made;
  }

  function drawn(parent, name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  class Viewer {
    constructor(root, data, single) {
      this.root = root;
      this.data = data;
      this.single = single;
      this.items = new Map();
      this.undo = [];
      this.at = -1;
      this.window = null;
      this.lanes = new Map(data.lanes.map(([key, title, rows]) => [key, { title, rows: new Map(rows) }]));
      this.failing = data.differs ? data.open : -1;
      this.build();
    }

    // Addresses. A border is where something begins; the last index before it is one less.
    first(border) { return this.spell(BigInt("0x" + this.data.borders[border])); }
    last(border) { return this.spell(BigInt("0x" + this.data.borders[border]) - 1n); }
    spell(word) { return word >= TOP ? "max" : "0x" + word.toString(16); }
    range(first, end) { return `[${this.first(first)}..${this.last(end)}]`; }

    build() {
      const { data } = this;
      const list = element("ol");
      list.style.setProperty("--number", `${4 + Math.max(...data.frames.map((frame) => frame.name.length))}ch`);
      this.links = data.frames.map((frame, at) => {
        const failing = at === this.failing;
        const mark = failing ? "✗" : frame.matters ? "•" : " ";
        const text = element("span", { textContent: frame.text });
        if (frame.stage) text.append(element("span", { className: "stage", textContent: frame.stage.replace(/^.: /, "") }));
        const no = element("span", { className: "no", textContent: `${mark} ${frame.name}` });
        const link = element("a", { className: (frame.matters ? "matters " : "") + (failing ? "failing" : ""), href: this.hash(at) }, no, text);
        if (failing) link.append(element("span", { className: "no" }), element("b", { textContent: "first difference" }));
        link.addEventListener("click", (event) => { event.preventDefault(); this.go(at); });
        list.append(element("li", {}, link));
        return link;
      });
      this.steps = element("nav", { className: "steps" }, element("h2", { textContent: "Steps" }), list);
      this.steps.setAttribute("aria-label", "Steps");
      this.now = element("p", { className: "now mono" });
      const bar = element("div", { className: "bar" },
        this.button("← before", "Step before (k)", () => this.step(-1)),
        this.button("after →", "Step after (j)", () => this.step(1)),
        this.button(data.differs ? "first difference" : "last step", "(d)", () => this.go(data.open)),
        this.button("+", "Look closer (+)", () => this.zoom(0.5)),
        this.button("−", "See more (-)", () => this.zoom(2)),
        this.button("all", "All addresses (a)", () => this.see(0, data.borders.length - 1)));
      this.svg = document.createElementNS(SVG, "svg");
      this.svg.setAttribute("role", "img");
      this.svg.setAttribute("aria-label", "Drawn: what the column of words says");
      const keys = element("p", { className: "legend" });
      for (const [key, what] of [["j k", "step"], ["+ −", "zoom"], ["h l", "move"], ["a", "all"], ["f", "where it matters"], ["d", "the difference"]])
        keys.append(element("span", {}, element("kbd", { textContent: key }), ` ${what}`));
      this.legend = element("ul", { className: "legend" });
      this.figure = element("section", { className: "figure" }, this.now, bar, this.svg, this.legend, keys);
      this.words = element("aside", { className: "words", id: this.single ? "words" : "" });
      this.words.setAttribute("aria-live", "polite");
      this.words.tabIndex = 0;
      this.words.setAttribute("aria-label", "The step in words");
      this.root.replaceChildren(this.steps, this.figure, this.words);
      this.root.addEventListener("pointerdown", () => { active = this; });
      new ResizeObserver(() => this.draw()).observe(this.figure);
    }

    button(text, title, action) {
      const made = element("button", { type: "button", textContent: text, title });
      made.addEventListener("click", action);
      return made;
    }

    hash(at) {
      const step = `step=${this.data.frames[at].name}`;
      return this.single ? `#${step}` : `#${this.root.id}&${step}`;
    }

    step(by) { this.go(Math.max(0, Math.min(this.data.frames.length - 1, this.at + by))); }

    go(at) {
      if (!this.data.frames.length) return;
      while (this.at < at) {
        const frame = this.data.frames[++this.at];
        const old = Object.keys(frame.set).concat(frame.gone || []).map((key) => [key, this.items.get(key)]);
        this.undo.push(old);
        for (const key of frame.gone || []) this.items.delete(key);
        for (const [key, item] of Object.entries(frame.set)) this.items.set(key, item);
      }
      while (this.at > at) {
        for (const [key, item] of this.undo.pop()) item === undefined ? this.items.delete(key) : this.items.set(key, item);
        this.at--;
      }
      const frame = this.data.frames[at];
      this.before = new Map(this.undo[at]);
      const [low, high] = this.window || [0, -1];
      if (!frame.focus || frame.focus[0] < low || frame.focus[1] > high) this.look();
      this.links.forEach((link, k) => k === at ? link.setAttribute("aria-current", "step") : link.removeAttribute("aria-current"));
      const link = this.links[at], list = this.steps;
      if (link.offsetTop < list.scrollTop || link.offsetTop + link.offsetHeight > list.scrollTop + list.clientHeight)
        list.scrollTop = link.offsetTop - list.clientHeight / 2;
      active = this;
      history.replaceState(null, "", this.hash(at));
      this.draw();
      this.tell();
    }

    // Where to look
    look() {
      const last = this.data.borders.length - 1, frame = this.data.frames[this.at];
      if (last <= FEW || !frame.focus) return this.see(0, Math.min(last, Math.max(FEW, NEAR)));
      const spare = Math.max(8, NEAR - (frame.focus[1] - frame.focus[0]));
      this.see(frame.focus[0] - (spare >> 1), Math.min(frame.focus[1], frame.focus[0] + NEAR) + (spare >> 1));
    }

    see(low, high) {
      const last = this.data.borders.length - 1;
      const size = Math.min(last, Math.max(2, high - low));
      low = Math.max(0, Math.min(last - size, low));
      this.window = [low, low + size];
      if (this.at >= 0) this.draw();
    }

    zoom(by) {
      const [low, high] = this.window;
      const focus = this.data.frames[this.at].focus || this.window;
      const size = Math.max(3, Math.round((high - low) * by));
      const middle = Math.max(low, Math.min(high, (focus[0] + focus[1]) >> 1));
      this.see(middle - (size >> 1), middle - (size >> 1) + size);
    }

    move(by) {
      const [low, high] = this.window, far = Math.max(1, Math.round((high - low) / 4)) * by;
      this.see(low + far, high + far);
    }

    // Drawing
    scale() {
      const [low, high] = this.window, { logs } = this.data;
      const at = [0];
      let least = Infinity;
      for (let k = low; k < high; k++) {
        at.push(at[at.length - 1] + 1 + logs[k] / 14);
        least = Math.min(least, logs[k]);
      }
      const wide = this.width - GUTTER - EDGE, sum = at[at.length - 1];
      this.least = least;
      this.x = (border) => {
        if (border < low) return GUTTER - 6;
        if (border > high) return this.width - EDGE + 6;
        return GUTTER + (wide * at[border - low]) / sum;
      };
    }

    draw() {
      const width = this.figure.clientWidth - 32;
      if (this.at < 0 || width < 100) return;
      this.width = Math.max(420, width);
      this.scale();
      const svg = this.svg;
      svg.replaceChildren();
      this.patterns();
      this.used = new Set();
      const back = drawn(svg, "g", {});
      let y = this.axis();
      const top = y;
      const byRow = new Map();
      const [low, high] = this.window;
      for (const [key, item] of this.items) {
        if (item[3] <= low || item[2] >= high) continue;
        const row = `${item[0]}|${item[1]}`;
        if (!byRow.has(row)) byRow.set(row, []);
        byRow.get(row).push([key, item]);
      }
      const present = new Set([...this.items.values()].map((item) => item[0]));
      for (const [key, lane] of this.lanes) {
        if (!present.has(key) || (key === "step" && ![...lane.rows].some(([row]) => byRow.has(`step|${row}`)))) continue;
        y += 10;
        drawn(svg, "text", { x: 4, y: y + 12, class: "title" }, lane.title);
        y += 19;
        for (const [row, name] of lane.rows) {
          const items = byRow.get(`${key}|${row}`) || [];
          if (key === "step" && !items.length) continue;
          y = this.row(key, name, items, y);
        }
      }
      this.backdrop(back, top, y);
      svg.setAttribute("viewBox", `0 0 ${this.width} ${y + 8}`);
      this.legend.replaceChildren(...LEGEND.filter(([kind]) => this.used.has(kind)).map(([kind, what]) => this.example(kind, what)));
    }

    example(kind, what) {
      const sample = document.createElementNS(SVG, "svg");
      sample.setAttribute("viewBox", "0 0 26 14");
      sample.setAttribute("aria-hidden", "true");
      this.shape(sample, kind, 2, 2, 22, kind === "page" ? 5 : 10);
      return element("li", {}, sample, element("span", { textContent: what }));
    }

    patterns() {
      if (document.getElementById("hatch")) document.getElementById("hatch").closest("svg").remove();
      const svg = drawn(document.body, "svg", { width: 0, height: 0, "aria-hidden": "true" });
      const defs = drawn(svg, "defs", {});
      const hatch = drawn(defs, "pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
      drawn(hatch, "rect", { width: 7, height: 7, class: "hatch-back" });
      drawn(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "hatch-line" });
      const dots = drawn(defs, "pattern", { id: "dots", width: 6, height: 6, patternUnits: "userSpaceOnUse" });
      drawn(dots, "rect", { width: 6, height: 6, class: "dots-back" });
      drawn(dots, "circle", { cx: 3, cy: 3, r: 1, class: "dots-dot" });
    }

    axis() {
      const [low, high] = this.window, { svg } = this, focus = this.data.frames[this.at].focus;
      let y = 6;
      const last = this.data.borders.length - 1;
      if (low > 0 || high < last) {
        const wide = this.width - GUTTER - EDGE;
        drawn(svg, "text", { x: GUTTER - 10, y: y + 8, class: "row" }, "in view");
        drawn(svg, "rect", { x: GUTTER, y: y + 2, width: wide, height: 4, class: "b node" });
        drawn(svg, "rect", { x: GUTTER + (wide * low) / last, y, width: Math.max(4, (wide * (high - low)) / last), height: 8, class: "b entry changed" });
        y += 20;
      }
      y += 12;
      drawn(svg, "text", { x: GUTTER - 28, y: y + 9, class: "row" }, "address");
      const taken = [];
      const wanted = [...new Set([low, ...(focus || []), high, ...Array.from({ length: high - low + 1 }, (_, k) => low + k)])];
      for (const border of wanted) {
        const at = this.x(border);
        if (border < low || border > high || taken.some(([a, b]) => at > a && at < b)) continue;
        const text = this.first(border), half = (text.length * CHAR) / 2 + 5;
        const x = Math.max(GUTTER + half - 22, Math.min(this.width - half, at));
        if (taken.some(([a, b]) => x - half < b && x + half > a)) continue;
        taken.push([x - half, x + half]);
        drawn(svg, "text", { x, y: y - 2, class: "mid soft" }, text === "max" ? "2^64" : text);
      }
      let path = `M ${GUTTER} ${y + 6}`;
      for (let k = low, last = -9; k < high; k++) {
        const a = this.x(k), b = this.x(k + 1), middle = (a + b) / 2;
        if (a - last >= 3) {
          drawn(svg, "line", { x1: a, y1: y + 2, x2: a, y2: y + 10, class: "axis" });
          last = a;
        }
        if (this.data.logs[k] - this.least >= 6 && b - a > 14)
          path += ` L ${middle - 5} ${y + 6} l 3 -4 l 4 8 l 3 -4`;
        path += ` L ${b} ${y + 6}`;
      }
      drawn(svg, "line", { x1: this.x(high), y1: y + 2, x2: this.x(high), y2: y + 10, class: "axis" });
      drawn(svg, "path", { d: path, class: "axis" });
      return y + 12;
    }

    backdrop(back, top, bottom) {
      const focus = this.data.frames[this.at].focus, [low, high] = this.window;
      if (focus && focus[1] > low && focus[0] < high) {
        const a = Math.max(GUTTER, this.x(focus[0])), b = Math.min(this.width - EDGE, this.x(focus[1]));
        drawn(back, "rect", { x: a, y: top, width: Math.max(2, b - a), height: bottom - top + 4, class: "band" });
      }
      for (let k = low, last = -9; k <= high; k++) {
        if (this.x(k) - last < 4) continue;
        last = this.x(k);
        drawn(back, "line", { x1: this.x(k), y1: top, x2: this.x(k), y2: bottom + 4, class: "hair" });
      }
    }

    row(lane, name, items, y) {
      const nodes = items.some(([, item]) => item[6] && item[6].length);
      const step = lane === "step";
      const height = step ? 18 : nodes ? 46 : name === "pages" ? 18 : 24;
      drawn(this.svg, "text", { x: GUTTER - 10, y: y + (nodes ? 28 : step ? 12 : 16), class: "row" }, name);
      items.sort((a, b) => a[1][2] - b[1][2]);
      let drawnTo = -1;
      for (const [key, item] of items) {
        // Of many on one pixel one is enough, unless there is something to be said of them
        const end = this.x(item[3]);
        if (end < drawnTo && !this.isFaulty(item) && !this.isChanged(key)) continue;
        drawnTo = Math.max(drawnTo, this.x(item[2]) + 1);
        const group = drawn(this.svg, "g", {});
        drawn(group, "title", {}, this.sentence(item));
        if (step) this.bracket(group, item, y);
        else if (item[6] && item[6].length) this.node(group, key, item, y);
        else this.box(group, item[4], item[2], item[3], y + 1, name === "pages" ? 12 : 20, this.label(item), this.isChanged(key), "", item[5]);
      }
      return y + height + 4;
    }

    isFaulty(item) { return FAULTS.has(item[4]) || (item[6] || []).some((part) => FAULTS.has(part[1])); }

    // That something was found to be wrong is no change of it.
    isChanged(key) {
      if (this.at === 0 || !(key in this.data.frames[this.at].set)) return false;
      const old = this.before.get(key), item = this.items.get(key);
      const shape = (one) => JSON.stringify([one[2], one[3], one[5], (one[6] || []).map((part) => [part[0], part[2]])]);
      return !old || shape(old) !== shape(item);
    }

    label(item) { return FAULTS.has(item[4]) && !item[5].startsWith(item[4]) && !/wrong|leaked|lost|marker|freed|zapped|parent|mm /.test(item[5]) ? `${WORDS[item[4]]}: ${item[5]}` : item[5]; }

    bracket(group, item, y) {
      const [, , first, end, kind, text] = item;
      const a = Math.max(GUTTER - 4, this.x(first)), b = Math.min(this.width - EDGE + 4, this.x(end)), m = y + 9;
      drawn(group, "path", { d: `M ${a} ${m - 5} v 10 M ${a} ${m} H ${b} M ${b} ${m - 5} v 10`, class: `bracket ${kind}` });
      const words = this.range(first, end) + (text ? `  ${text}` : ""), wide = words.length * CHAR;
      const css = `halo ${kind === "wrong" ? "badtext" : ""}`;
      if (b + 8 + wide < this.width) drawn(group, "text", { x: b + 8, y: m + 4, class: css }, words);
      else if (a - 8 - wide > GUTTER) drawn(group, "text", { x: a - 8, y: m + 4, class: `end ${css}` }, words);
      else drawn(group, "text", { x: Math.max(GUTTER + 8, (a + b - wide) / 2), y: m + 4, class: css }, words);
    }

    shape(group, kind, x, y, width, height) {
      this.used && this.used.add(kind);
      const attributes = { x, y, width: Math.max(1, width), height, rx: kind === "marker" ? 8 : 2, class: `b ${kind}` };
      if (kind === "leaked") attributes.fill = "url(#hatch)";
      if (kind === "foreign") attributes.fill = "url(#dots)";
      return drawn(group, "rect", attributes);
    }

    box(group, kind, first, end, y, height, text, changed, tiny, short) {
      const a = this.x(first), b = this.x(Math.max(first, end));
      const shape = this.shape(group, kind, a + 0.5, y, b - a - 1, height);
      if (changed) {
        if (!FAULTS.has(kind)) shape.classList.add("changed");
        drawn(group, "circle", { cx: Math.max(GUTTER, a) + 5, cy: y + 4.5, r: 2.8, class: "dot" });
      }
      const left = Math.max(a, GUTTER), right = Math.min(b, this.width - EDGE), room = Math.floor((right - left - 4) / CHAR);
      if (short && text.length > room && short.length <= room) text = short;
      const fits = text.length <= room ? text : kind === "null" && room >= 1 ? "∅" : room >= 3 ? text.slice(0, room - 1) + "…" : "";
      const bad = FAULTS.has(kind), middle = (left + right) / 2;
      if (fits) drawn(group, "text", { x: middle, y: y + (tiny ? 12 : height / 2 + 4), class: `mid ${bad ? "badtext halo" : kind === "null" ? "soft" : ""}` }, fits);
      if (tiny && tiny.length * 5.8 <= right - left - 4) drawn(group, "text", { x: right - 3, y: y + height - 3, class: "tiny end" }, tiny);
    }

    node(group, key, item, y) {
      const [, , first, end, kind, name, parts, note] = item;
      const changed = this.isChanged(key), old = this.before.get(key);
      const room = this.x(end) - this.x(first);
      const whole = `${name} ${this.range(first, end)}`;
      const words = note ? `${whole}: ${note}` : kind === "broken" ? `broken: ${whole}` : whole;
      this.box(group, kind, first, end, y + 1, 16, words.length * CHAR < room ? words : name, changed);
      const was = new Set();
      if (old && old[6]) {
        let low = old[2];
        for (const [high, partKind, text] of old[6]) { was.add(`${low} ${high} ${partKind} ${text}`); low = high; }
      }
      let low = first;
      if (room < 1.5 * parts.length && !parts.some((part) => FAULTS.has(part[1]))) {
        const held = parts.some((part) => part[1] === "entry") ? "entry" : parts[0][1];
        return this.box(group, held, first, end, y + 18, 28, `${parts.length} slots`, changed);
      }
      for (const [high, partKind, text] of parts) {
        const fresh = changed && old && !was.has(`${low} ${high} ${partKind} ${text}`);
        const label = partKind === "wrong" ? `✗ ${text}` : text;
        if (high > low) this.box(group, partKind, low, high, y + 18, 28, label, fresh, `≤${this.last(high)}`);
        low = high;
      }
    }

    // Words
    sentence(item) {
      const [lane, row, first, end, kind, label, parts, note] = item;
      const rowName = (this.lanes.get(lane) || { rows: new Map() }).rows.get(row) || row;
      let words = lane === "step" ? `${rowName} ${this.range(first, end)} ${label}` : `${rowName}: ${label} ${this.range(first, end)}`;
      if (FAULTS.has(kind) && !label.includes(WORDS[kind])) words += `, ${WORDS[kind]}`;
      if (note) words += `: ${note}`;
      return words;
    }

    slots(item) {
      const found = [];
      let low = item[2];
      for (const [high, kind, text] of item[6] || []) {
        if (high > low || FAULTS.has(kind)) found.push([`${high > low ? this.range(low, high) : `[${this.first(low)}..${this.last(high)}]`} ${kind === "wrong" ? "wrong: " : ""}${text}`, FAULTS.has(kind), `${low} ${high} ${kind} ${text}`]);
        low = high;
      }
      return found;
    }

    tell() {
      const frame = this.data.frames[this.at], failing = this.at === this.failing;
      this.now.textContent = `${frame.name} of ${this.data.frames[this.data.frames.length - 1].name}  ${frame.text}`;
      const parts = [element("h2", {}, failing ? "First difference: step " + frame.name : "Step " + frame.name)];
      parts.push(element("p", {}, element("code", { textContent: frame.text }), frame.stage ? ` ${frame.stage.replace(/^.: /, "")}` : ""));
      if (frame.expected) parts.push(this.answers(frame));
      if (frame.notes) parts.push(element("h3", { textContent: "What was seen" }), element("pre", { textContent: frame.notes.join("\n") }));
      const faulty = [...this.items.values()].filter((item) => item[0] !== "step" && this.isFaulty(item));
      // While a fork is being undone, what is the parent's is in the child's tree by right
      const amid = frame.stage && !frame.stage.startsWith("at the end");
      this.section(parts, amid ? "What the child must not keep" : "What is wrong", faulty, 25, true);
      const changed = Object.entries(frame.set).filter(([key, item]) => item[0] !== "step" && this.isChanged(key));
      const titles = changed.length || (frame.gone || []).length;
      if (titles && this.at > 0) {
        this.section(parts, "What this step changed", changed.map(([, item]) => item), 25, false, new Map(changed.map(([key, item]) => [item, this.before.get(key)])));
        const gone = (frame.gone || []).map((key) => this.before.get(key)).filter((item) => item && item[0] !== "step");
        this.section(parts, "Gone since the step before", gone, 12, false);
      }
      if (!titles && this.at > 0) parts.push(element("h3", { textContent: "This step changed nothing." }));
      const summary = element("summary", { textContent: "All that is in view" });
      const all = element("details", {}, summary);
      all.addEventListener("toggle", () => {
        const [low, high] = this.window, inside = [];
        const view = [...this.items.values()].filter((item) => item[0] !== "step" && item[3] > low && item[2] < high);
        if (all.open) this.section(inside, "", view, 400, false);
        all.replaceChildren(summary, ...inside);
      });
      parts.push(element("h3"), all);
      this.words.replaceChildren(...parts);
      this.words.scrollTop = 0;
    }

    answers(frame) {
      const actual = new Map((frame.actual || []).map((value) => [value[0], value]));
      const table = element("table");
      const head = element("tr", {}, element("th"), element("th", { textContent: "expected" }));
      if (frame.actual) head.append(element("th", { textContent: "actual" }));
      table.append(head);
      for (const [key, text, differs] of frame.expected) {
        if (key === "crash") continue;
        const row = element("tr", { className: differs ? "differs" : "" }, element("th", { textContent: key }), element("td", { className: "mono", textContent: text }));
        if (frame.actual) row.append(element("td", { className: "mono", textContent: actual.has(key) ? actual.get(key)[1] : "-" }));
        actual.delete(key);
        table.append(row);
      }
      const crash = actual.get("crash");
      actual.delete("crash");
      for (const [key, text] of actual.values())
        table.append(element("tr", { className: "differs" }, element("th", { textContent: key }), element("td", { textContent: "-" }), element("td", { className: "mono", textContent: text })));
      if (!crash || frame.notes) return table;
      return element("div", {}, table, element("h3", { textContent: "It ended in" }), element("pre", { className: "bad", textContent: crash[1] }));
    }

    section(parts, title, items, most, bad, before) {
      if (!items.length) return;
      if (title) parts.push(element("h3", { textContent: title }));
      let lane = null, list = null;
      for (const item of items.slice(0, most)) {
        if (item[0] !== lane) {
          lane = item[0];
          list = element("ul");
          parts.push(element("div", {}, element("i", { textContent: (this.lanes.get(lane) || { title: lane }).title })), list);
        }
        const line = element("li", { className: bad && FAULTS.has(item[4]) ? "bad" : "" }, this.sentence(item));
        const old = before && before.get(item);
        const was = new Set(old ? this.slots(old).map((slot) => slot[2]) : []);
        const slots = this.slots(item).filter(([, faulty, slot]) => bad ? faulty : !was.has(slot));
        if (slots.length) {
          const inner = element("ul");
          for (const [text, faulty] of slots.slice(0, 20)) inner.append(element("li", { className: faulty ? "bad" : "" }, element("code", { textContent: text })));
          line.append(inner);
        }
        list.append(line);
      }
      if (items.length > most) parts.push(element("p", { textContent: `and ${items.length - most} more` }));
    }
  }

  let active = null;
  const viewers = new Map();

  function open(root) {
    if (viewers.has(root)) return viewers.get(root);
    const data = JSON.parse(document.getElementById(root.dataset.from).textContent);
    const viewer = new Viewer(root, data, root.dataset.single === "yes");
    viewers.set(root, viewer);
    return viewer;
  }

  function arrive() {
    const words = new Map(location.hash.slice(1).split("&").map((part) => { const [key, value] = part.split("="); return [key, value]; }));
    const roots = [...document.querySelectorAll(".viewer")];
    const root = roots.find((one) => words.has(one.id)) || (roots.length === 1 && roots[0].dataset.single === "yes" ? roots[0] : null);
    if (!root) return;
    const around = root.closest("details");
    if (around) around.open = true;
    const viewer = open(root);
    const at = viewer.data.frames.findIndex((frame) => frame.name === words.get("step"));
    viewer.go(at >= 0 ? at : viewer.at >= 0 && words.has("step") ? viewer.at : viewer.data.open);
    if (around) around.scrollIntoView();
  }

  for (const around of document.querySelectorAll("details")) {
    around.addEventListener("toggle", () => {
      const root = around.querySelector(".viewer");
      if (around.open && root && !viewers.has(root)) { const viewer = open(root); viewer.go(viewer.data.open); }
    });
  }

  document.addEventListener("keydown", (event) => {
    if (!active || event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const inList = event.target.closest && event.target.closest(".steps");
    const actions = {
      j: () => active.step(1), ArrowRight: () => active.step(1), k: () => active.step(-1), ArrowLeft: () => active.step(-1),
      d: () => active.go(active.data.open), a: () => active.see(0, active.data.borders.length - 1), f: () => active.look(),
      "+": () => active.zoom(0.5), "=": () => active.zoom(0.5), "-": () => active.zoom(2), h: () => active.move(-1), l: () => active.move(1),
      Home: inList && (() => active.go(0)), End: inList && (() => active.go(active.data.frames.length - 1)),
      ArrowDown: inList && (() => active.step(1)), ArrowUp: inList && (() => active.step(-1)),
    };
    const action = Object.prototype.hasOwnProperty.call(actions, event.key) && actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    if (inList) active.links[active.at].focus();
  });
  window.addEventListener("hashchange", arrive);
  arrive();
})();
