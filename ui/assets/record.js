// The record page: search while it is typed, send files one after the other, ask before a document is deleted.
(() => {
  "use strict";

  const AFTER_TYPING = 250; // milliseconds

  /** Tell the list that the record has changed. */
  function refresh() {
    const list = document.querySelector("#record-list .html-container > *") ?? document.querySelector("#record-list");
    list?.dispatchEvent(new CustomEvent("action", { detail: { action: "show" }, bubbles: true }));
  }

  let typing;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-live]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => form.requestSubmit(), AFTER_TYPING);
  });

  // Adding

  const waiting = [];
  let sending = false;

  function add(area, files) {
    const texts = JSON.parse(area.dataset.texts);
    for (const file of files) {
      const row = document.createElement("li");
      const name = Object.assign(document.createElement("strong"), { textContent: file.name, dir: "auto" });
      const state = Object.assign(document.createElement("span"), { textContent: texts.waiting });
      row.append(name, " ", state);
      area.querySelector(".report").append(row);
      waiting.push({ area, file, texts, row, state });
    }
    sendAll();
  }

  async function sendAll() {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const job = waiting.shift();
      const outcome = await send(job).catch(() => ({ kind: "failed", reason: job.texts.unreachable }));
      tell(job, outcome);
      if (outcome.kind !== "failed") refresh();
    }
    sending = false;
  }

  /** One file; XMLHttpRequest because fetch does not say how much has been sent. */
  function send({ area, file, texts, row, state }) {
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", file.name);
    row.append(bar);
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.upload.onprogress = ({ loaded, total }) => {
        bar.value = total ? loaded / total : 0;
        state.textContent = texts.sending.replace("{percent}", Math.floor(100 * bar.value));
      };
      request.upload.onload = () => {
        bar.removeAttribute("value");
        state.textContent = texts.reading;
      };
      request.onload = () => done(outcomeOf(request, file));
      request.onerror = request.onabort = failed;
      request.open("POST", area.dataset.address);
      request.responseType = "json";
      const form = new FormData();
      form.append("files", file, file.name);
      request.send(form);
    }).finally(() => bar.remove());
  }

  function outcomeOf(request, file) {
    const report = request.response ?? {};
    if (request.status !== 200) {
      const reason = report.detail ?? `HTTP ${request.status}`;
      return { kind: "failed", reason: reason.replace(`${file.name}: `, "") };
    }
    if (report.failed.length) return { kind: "failed", reason: report.failed[0].reason };
    if (report.duplicates?.length) {
      return { kind: "duplicate", documents: report.duplicates.map((duplicate) => duplicate.document_id) };
    }
    for (const kind of ["added", "updated", "unchanged", "removed"]) {
      if (report[kind].length) return { kind, documents: kind === "removed" ? [] : report[kind] };
    }
    return { kind: "unchanged", documents: [] };
  }

  function tell({ area, texts, row, state }, { kind, reason, documents = [] }) {
    row.className = kind;
    state.textContent = reason ? `${texts[kind]}: ${reason}` : texts[kind];
    for (const id of documents.slice(0, 1)) {
      const link = Object.assign(document.createElement("a"), {
        textContent: texts.open,
        href: `${area.dataset.address}/${encodeURIComponent(id)}`,
        target: "_blank",
        rel: "noopener",
      });
      row.append(" ", link);
    }
  }

  document.addEventListener("change", (event) => {
    const area = event.target.matches?.('.upload input[type="file"]') && event.target.closest(".upload");
    if (!area) return;
    add(area, [...event.target.files]);
    event.target.value = "";
  });

  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      // Dropped beside the place for it, a file would replace the window.
      event.preventDefault();
      const area = event.target.closest?.(".upload");
      document.querySelector(".drop")?.classList.toggle("over", kind === "dragover" && Boolean(area));
      if (kind === "drop" && area) add(area, [...event.dataTransfer.files]);
    });
  }

  // Deleting

  let asked;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-delete]");
    if (button) {
      asked = button;
      const dialog = document.querySelector("#delete-dialog");
      dialog.querySelector(".title").textContent = button.dataset.title;
      dialog.querySelector(".failure").textContent = "";
      dialog.showModal();
    } else if (event.target.closest?.("#delete-dialog [data-confirm]")) {
      remove(event.target.closest("#delete-dialog"), event.target);
    }
  });

  async function remove(dialog, button) {
    const { address, texts } = document.querySelector(".upload").dataset;
    button.disabled = true;
    try {
      const response = await fetch(`${address}/${encodeURIComponent(asked.dataset.delete)}`, { method: "DELETE" });
      // Somebody else may have deleted it meanwhile; it is gone all the same.
      if (response.ok || response.status === 404) {
        dialog.close();
        refresh();
        document.querySelector("#record-query")?.focus();
      } else {
        const problem = await response.json().catch(() => ({}));
        dialog.querySelector(".failure").textContent = problem.detail ?? `HTTP ${response.status}`;
      }
    } catch {
      dialog.querySelector(".failure").textContent = JSON.parse(texts).unreachable;
    } finally {
      button.disabled = false;
    }
  }
})();
