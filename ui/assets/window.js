// What the window does by itself, without asking the server: open a source, keep the newest question in view.
(() => {
  "use strict";

  const behavior = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  /** Bring an anchor into view: its sources are shown in place of others', it is marked, and it has the focus. */
  function open(target) {
    const group = target.closest(".sources");
    if (group) {
      for (const other of document.querySelectorAll(".sources")) other.hidden = other !== group;
    }
    for (const other of document.querySelectorAll("mark.current, a.marker.current")) {
      if (other !== target) other.classList.remove("current");
    }
    if (!target.classList.contains("sources")) target.classList.add("current");
    target.focus({ preventScroll: true });
    target.scrollIntoView({ behavior: behavior(), block: target === group ? "start" : "center" });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    const target = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    open(target);
  });

  /** Ask in the chat, as if it had been typed there. */
  function ask(question) {
    document.querySelector('#pages > .tab-wrapper [role="tab"], #pages [role="tab"]').click();
    once("#question textarea", (box) => {
      box.value = question;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus();
      setTimeout(() => document.querySelector("#send").click());
    });
  }

  document.addEventListener("click", (event) => {
    const asking = event.target.closest?.("[data-ask]");
    if (asking) ask(asking.dataset.ask);
  });
  document.addEventListener("ask", (event) => ask(event.detail));

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
    const found = document.querySelector(selector);
    if (found) return then(found);
    const watch = new MutationObserver(() => {
      const element = document.querySelector(selector);
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
  once("#new-conversation", (button) =>
    button.addEventListener("click", () => document.querySelector("#question textarea").focus()),
  );
})();
