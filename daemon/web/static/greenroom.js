// What no page needs to work, and everyone likes to have.
"use strict";

// Times are shown in the reader's own zone.
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.title = time.dateTime;
      time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

document.addEventListener("DOMContentLoaded", () => localise(document));
document.addEventListener("htmx:afterSwap", (event) => localise(event.target));

// A cycle that runs is followed; when it is over, the page says what came of it. Without a script pages load themselves anew.
function follow(panel) {
  const events = new EventSource(panel.dataset.follow);
  events.onmessage = (event) => {
    const mine = JSON.parse(event.data).find((stage) => stage.run === panel.dataset.run);
    if (!mine) {
      events.close();
      window.location.reload();
      return;
    }
    panel.querySelector("[data-stage]").textContent = mine.stage.replaceAll("_", " ");
    panel.querySelector("[data-done]").textContent = mine.total === null ? mine.done : `${mine.done} of ${mine.total}`;
    const bar = panel.querySelector("[data-bar]");
    if (mine.total) {
      bar.max = mine.total;
      bar.value = mine.done;
    } else {
      bar.removeAttribute("value");
    }
  };
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-follow]").forEach(follow));
