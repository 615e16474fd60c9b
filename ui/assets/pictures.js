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

  /** The server writes the dialog of what was chosen into this element; each opens once. */
  function openDialogs(element) {
    let last = "";
    new MutationObserver(() => {
      const dialog = element.querySelector("dialog.choice");
      if (!dialog || dialog.id === last) return;
      last = dialog.id;
      if (!dialog.open) dialog.showModal();
    }).observe(element, { childList: true, subtree: true, attributes: true });
  }

  Object.assign(window.missionRecord, { openDialogs });
})();
