// What is drawn can be chosen like a button, with the pointer or the keyboard.
(() => {
  "use strict";

  const chosen = (event) => event.target.closest?.("svg [data-action]");

  function tell(mark) {
    mark.dispatchEvent(new CustomEvent("action", { detail: { ...mark.dataset }, bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const mark = chosen(event);
    if (mark) tell(mark);
    // Outside its content a dialog is its own backdrop; a choice closes it.
    const dialog = event.target.closest?.("dialog.choice");
    if (dialog && (event.target === dialog || event.target.closest("button"))) dialog.close();
  });

  document.addEventListener("keydown", (event) => {
    const mark = chosen(event);
    if (!mark || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    tell(mark);
  });

  // The server writes the dialog of what was chosen; it opens when it is there.
  const opened = new WeakSet();
  new MutationObserver(() => {
    const dialog = document.querySelector("dialog.choice");
    if (!dialog || opened.has(dialog)) return;
    opened.add(dialog);
    dialog.showModal();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
