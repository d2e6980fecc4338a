// A list of any length of which only the rows in sight, and some around them, are in the page. Rows may be of any
// height: until one has been seen its height is a guess, and what is in sight stays where it is when the guess was wrong.
//
// The list comes in pages: {rows, heights, height, reload}. One far from sight gives its rows back and keeps its height;
// reload() gets them again. So memory is bounded as well, however far somebody scrolls.

const GUESS = 64;
const MARGIN = 400;
const ROWS_KEPT = 4000;

export class LongList {
  pages = [];
  active = 0;
  drawn = new Map();
  count = 0;

  // draw(row) makes the element of a row; onEnd() is told when the end of the list comes near.
  constructor(scroller, { draw, onEnd }) {
    this.scroller = scroller;
    this.draw = draw;
    this.onEnd = onEnd;
    this.space = document.createElement("div");
    this.space.className = "long-list";
    this.sight = document.createElement("div");
    this.space.append(this.sight);
    this.render = this.render.bind(this);
    this.scroller.addEventListener("scroll", this.render, { passive: true });
    new ResizeObserver(() => this.measureAgain()).observe(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.scroller.addEventListener("focusin", (event) => this.choose(event.target.closest("[data-index]")));
  }

  // The whole list anew; the first page is in sight.
  begin(page) {
    this.pages = [];
    this.count = 0;
    this.active = 0;
    this.forget();
    this.append(page);
    this.scroller.scrollTop = 0;
    this.render();
  }

  append({ rows, reload }) {
    this.pages.push({ rows, reload, reloading: false, heights: rows.map(() => 0), height: rows.length * GUESS });
    this.count += rows.length;
    this.render();
  }

  // New rows before all others, while the beginning of the list is in sight.
  prepend(rows) {
    const [first] = this.pages;
    first.rows.unshift(...rows);
    first.heights.unshift(...rows.map(() => 0));
    first.height += rows.length * GUESS;
    this.count += rows.length;
    if (this.active > 0 || this.drawn.get(0) === document.activeElement) this.active += rows.length;
    const moved = [...this.drawn].map(([index, element]) => [index + rows.length, element]);
    this.drawn = new Map(moved);
    this.render();
  }

  get atTop() {
    return this.scroller.scrollTop < GUESS / 2;
  }

  // Whether somebody walks through the rows by keyboard.
  get hasFocus() {
    return this.sight.contains(document.activeElement);
  }

  get firstPageLength() {
    return this.pages[0]?.heights.length ?? 0;
  }

  // Draws what is in sight. Elements stay the same while they are, so that focus and selection do.
  render() {
    const anchor = this.anchor();
    this.place(this.scroller.scrollTop);
    if (this.measure() && anchor) {
      // What was in sight stays there; what it pushed into sight is drawn too.
      const moved = this.topOf(anchor.index) + anchor.into - this.scroller.scrollTop;
      if (Math.abs(moved) >= 1) this.scroller.scrollTop += moved;
      this.place(this.scroller.scrollTop);
      this.measure();
    }
    this.giveBack();
    if (this.scroller.scrollTop + 3 * this.scroller.clientHeight + MARGIN > this.total()) this.onEnd();
  }

  place(top) {
    const [from, to] = [top - MARGIN, top + this.scroller.clientHeight + MARGIN];
    const wanted = new Map();
    let [y, index, start] = [0, 0, null];
    for (const page of this.pages) {
      if (y + page.height < from || y > to) {
        y += page.height;
        index += page.heights.length;
        continue;
      }
      if (!page.rows) this.bring(page);
      page.heights.forEach((height, place) => {
        const tall = height || GUESS;
        if (y + tall >= from && y <= to) {
          start ??= y;
          wanted.set(index, page.rows ? page.rows[place] : null);
        }
        y += tall;
        index += 1;
      });
    }
    this.space.style.height = `${y}px`;
    this.sight.style.transform = `translateY(${start ?? 0}px)`;
    this.show(wanted);
  }

  show(wanted) {
    for (const [index, element] of this.drawn) {
      if (wanted.get(index)) continue;
      // Keys must go on working when what had the focus has left the page.
      if (element.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      element.remove();
      this.drawn.delete(index);
    }
    let before = null;
    for (const [index, row] of wanted) {
      if (!row) continue;
      let element = this.drawn.get(index);
      if (!element) {
        element = this.draw(row);
        this.drawn.set(index, element);
      }
      const place = before ? before.nextSibling : this.sight.firstChild;
      if (element !== place) this.sight.insertBefore(element, place);
      element.dataset.index = index;
      element.tabIndex = index === this.active ? 0 : -1;
      element.setAttribute("aria-posinset", index + 1);
      element.setAttribute("aria-setsize", this.ended ? this.count : -1);
      before = element;
    }
  }

  // Whether a height was other than known.
  measure() {
    let changed = false;
    for (const [index, element] of this.drawn) {
      const [page, place] = this.find(index);
      const height = element.getBoundingClientRect().height;
      if (height && Math.abs(height - page.heights[place]) > 0.5) {
        page.height += height - (page.heights[place] || GUESS);
        page.heights[place] = height;
        changed = true;
      }
    }
    return changed;
  }

  measureAgain() {
    if (this.width === this.scroller.clientWidth) return this.render();
    this.width = this.scroller.clientWidth;
    for (const page of this.pages) {
      page.heights.fill(0);
      page.height = page.heights.length * GUESS;
    }
    this.render();
  }

  // The first row in sight, and how far its top is above the edge.
  anchor() {
    const top = this.scroller.scrollTop;
    const edge = this.scroller.getBoundingClientRect().top;
    for (const [index, element] of [...this.drawn].sort(([one], [other]) => one - other)) {
      const box = element.getBoundingClientRect();
      if (box.bottom > edge + 1) return top < 1 ? null : { index, into: edge - box.top };
    }
    return null;
  }

  // The rows of a page that gave them back.
  async bring(page) {
    if (page.reloading) return;
    page.reloading = true;
    try {
      page.rows = await page.reload();
      while (page.rows.length < page.heights.length) page.rows.push(null);
    } catch {
      // The next scroll asks again.
    }
    page.reloading = false;
    if (page.rows) this.render();
  }

  giveBack() {
    let kept = this.pages.reduce((sum, page) => sum + (page.rows ? page.heights.length : 0), 0);
    if (kept <= ROWS_KEPT) return;
    const shown = new Set([...this.drawn.keys()].map((index) => this.find(index)[0]));
    const middle = this.pages.findIndex((page) => shown.has(page));
    const far = this.pages.map((page, place) => [Math.abs(place - middle), page]).sort(([one], [other]) => other - one);
    for (const [distance, page] of far) {
      if (kept <= ROWS_KEPT || distance < 2) return;
      if (!page.rows || !page.reload) continue;
      page.rows = null;
      kept -= page.heights.length;
    }
  }

  find(index) {
    let left = index;
    for (const page of this.pages) {
      if (left < page.heights.length) return [page, left];
      left -= page.heights.length;
    }
    return [null, 0];
  }

  topOf(index) {
    let [y, left] = [0, index];
    for (const page of this.pages) {
      if (left < page.heights.length) {
        for (let place = 0; place < left; place += 1) y += page.heights[place] || GUESS;
        return y;
      }
      y += page.height;
      left -= page.heights.length;
    }
    return y;
  }

  total() {
    return this.pages.reduce((sum, page) => sum + page.height, 0);
  }

  forget() {
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
  }

  // j and k, arrows, Home and End go from row to row.
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, Home: -this.count, End: this.count }[event.key];
    if (!step || !this.count) return;
    event.preventDefault();
    const begun = this.scroller.contains(document.activeElement) && document.activeElement !== this.scroller;
    const next = begun || Math.abs(step) > 1 || this.chosen ? this.active + step : this.active;
    this.go(Math.max(0, Math.min(this.count - 1, next)));
  }

  go(index) {
    this.active = index;
    this.chosen = true;
    const [page, place] = this.find(index);
    const [top, height] = [this.topOf(index), page.heights[place] || GUESS];
    const { scrollTop, clientHeight } = this.scroller;
    if (index === 0) this.scroller.scrollTop = 0;
    else if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.scroller.scrollTop = top + height - clientHeight;
    this.render();
    this.drawn.get(index)?.focus({ preventScroll: true });
    this.drawn.get(index)?.scrollIntoView({ block: "nearest" });
  }

  choose(element) {
    if (!element) return;
    this.chosen = true;
    this.active = Number(element.dataset.index);
    for (const [index, other] of this.drawn) other.tabIndex = index === this.active ? 0 : -1;
  }

  // Nothing comes after what is there: now it is known how many there are.
  end() {
    this.ended = true;
    for (const element of this.drawn.values()) element.setAttribute("aria-setsize", this.count);
  }
}
