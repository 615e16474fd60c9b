// Highlights the quote that the address names: #c=START-END, offsets into the document's text in Unicode code points.
// Every [data-start] element holds the stretch [data-start, data-end) of that text, and nothing else.
"use strict";

(() => {
  const stretches = [...document.querySelectorAll("[data-start]")];

  /** The index into `text`, whose units are UTF-16, of its code point number `count`. */
  function unitsOf(text, count) {
    let units = 0;
    for (const character of text) {
      if (count === 0) break;
      count -= 1;
      units += character.length;
    }
    return units;
  }

  function clear() {
    for (const mark of document.querySelectorAll("mark")) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
  }

  /** Wraps code points [from, to) of the stretch in a <mark>. */
  function wrap(stretch, from, to) {
    const text = stretch.firstChild;
    const first = unitsOf(text.data, from);
    const last = unitsOf(text.data, to);
    const quoted = text.splitText(first);
    quoted.splitText(last - first);
    const mark = document.createElement("mark");
    quoted.replaceWith(mark);
    mark.append(quoted);
    return mark;
  }

  function show() {
    clear();
    const match = /^#c=(\d+)-(\d+)$/.exec(location.hash);
    if (!match) return;
    const [from, to] = [Number(match[1]), Number(match[2])];
    const marks = [];
    for (const stretch of stretches) {
      const [start, end] = [Number(stretch.dataset.start), Number(stretch.dataset.end)];
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      if (first < last) marks.push(wrap(stretch, first - start, last - start));
    }
    if (marks.length === 0) return;
    // Focus, so that reading and the Tab key go on from the quote.
    marks[0].tabIndex = -1;
    marks[0].focus({ preventScroll: true });
    const tall = marks[0].offsetHeight > window.innerHeight / 2;
    marks[0].scrollIntoView({ block: tall ? "start" : "center" });
  }

  window.addEventListener("hashchange", show);
  show();
})();
