// What the window does by itself, without asking the server: open a source, keep the newest question in view, copy.
(() => {
  "use strict";

  const find = (selector) => document.querySelector(selector);
  const behavior = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
  const box = () => find("#question textarea");

  /** Bring an anchor into view: its sources are shown in place of others', it is marked, and it has the focus. */
  function open(target) {
    const group = target.closest(".sources");
    if (group) {
      for (const other of document.querySelectorAll(".sources")) other.hidden = other !== group;
    }
    unmark(target);
    if (!target.classList.contains("sources")) target.classList.add("current");
    target.focus({ preventScroll: true });
    target.scrollIntoView({ behavior: behavior(), block: target === group ? "start" : "center" });
  }

  function unmark(except) {
    for (const other of document.querySelectorAll("mark.current, a.marker.current")) {
      if (other !== except) other.classList.remove("current");
    }
  }

  /** Ask in the chat, as if it had been typed there. */
  function ask(question) {
    show("chat");
    once("#question textarea", (box) => {
      box.value = question;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      if (matchMedia("(hover: hover)").matches) box.focus({ preventScroll: true });
      setTimeout(() => find("#send").click());
    });
  }

  /** Show one of the pages. */
  function show(page) {
    find(`[role="tab"][data-tab-id="${page}"]`)?.click();
  }

  /** Tell the server what was chosen in HTML that it wrote; the component around it passes it on. */
  function tell(element, values) {
    const detail = { ...element.dataset, ...values };
    element.dispatchEvent(new CustomEvent("action", { detail, bubbles: true }));
  }

  async function copy(button) {
    const { copy, copied } = button.dataset;
    try {
      await navigator.clipboard.writeText(copy);
    } catch {
      // Only pages from this machine or over HTTPS may use the clipboard directly.
      const text = Object.assign(document.createElement("textarea"), { value: copy });
      document.body.append(text);
      text.select();
      document.execCommand("copy");
      text.remove();
      button.focus();
    }
    const label = button.textContent;
    button.textContent = copied;
    find("#announcement .html-container > *").textContent = copied;
    setTimeout(() => (button.textContent = label), 2000);
  }

  /** Give a text to the browser as a file to keep. */
  function save(text, name, type) {
    const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  /** Gradio gives the page the language of the browser, though all that stands in it may be in another. */
  function speak(language) {
    const page = document.documentElement;
    const correct = () => page.lang !== language && (page.lang = language);
    new MutationObserver(correct).observe(page, { attributeFilter: ["lang"] });
    correct();
  }

  window.missionRecord = { save, speak };

  document.addEventListener("click", (event) => {
    const clicked = event.target.closest?.('a[href^="#"], button[data-ask], button[data-copy], button[data-action]');
    if (!clicked) return;
    if (clicked.dataset.ask !== undefined) return ask(clicked.dataset.ask);
    if (clicked.dataset.copy !== undefined) return copy(clicked);
    if (clicked.dataset.action !== undefined) return tell(clicked);
    const target = document.getElementById(clicked.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    open(target);
  });

  document.addEventListener("ask", (event) => ask(event.detail));

  document.addEventListener("submit", (event) => {
    if (event.target.dataset.action === undefined) return;
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    if (Object.values(values).some((value) => value.trim())) tell(event.target, values);
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return leave();
    if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    show("chat");
    box()?.focus();
  });

  /** Escape: back from a source to the statement it was opened from, else stop what is being answered. */
  function leave() {
    const source = document.activeElement.closest("#sources .sources");
    if (!source) return find("#window:has(.reply.pending) #stop")?.click();
    const mark = source.querySelector("mark.current, a.marker.current");
    const back = mark ? document.getElementById(mark.id.replace("source-", "mark-")) : null;
    unmark();
    (back ?? box()).focus();
    back?.scrollIntoView({ behavior: behavior(), block: "center" });
  }

  /** Each new question goes to the top of the view; its answer then grows below it and nothing moves. */
  function follow(conversation) {
    let turns = 0;
    new MutationObserver(() => {
      const all = conversation.querySelectorAll(".turn");
      if (all.length > turns) all[all.length - 1].scrollIntoView({ behavior: behavior(), block: "start" });
      turns = all.length;
    }).observe(conversation, { childList: true, subtree: true });
  }

  /** The sources of a new answer are read from the top, however far those of the last were scrolled. */
  function rewind(sources) {
    let groups = 0;
    new MutationObserver(() => {
      const all = sources.querySelectorAll(".sources");
      if (all.length !== groups) sources.scrollTop = 0;
      groups = all.length;
    }).observe(sources, { childList: true, subtree: true });
  }

  /** Gradio builds the page from its configuration; these wait for the part that they are about. */
  function once(selector, then) {
    const found = find(selector);
    if (found) return then(found);
    const watch = new MutationObserver(() => {
      const element = find(selector);
      if (!element) return;
      watch.disconnect();
      then(element);
    });
    watch.observe(document.documentElement, { childList: true, subtree: true });
  }

  once("#announcement", (element) => element.setAttribute("role", "status"));
  once("#conversation", follow);
  once("#sources", rewind);
  once("#question textarea", (element) => {
    // On a touch screen the keyboard would cover the page before anything was read.
    if (matchMedia("(hover: hover)").matches) element.focus();
  });
  once("#new-conversation", (button) => button.addEventListener("click", () => box().focus()));
})();
