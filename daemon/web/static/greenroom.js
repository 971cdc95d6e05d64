// What no page needs to work, and everyone likes to have.
"use strict";

// Times are shown in the reader's own zone, written as the server writes them (which is how Swedes do), so that nothing on
// the page moves. One formatter for all: to make one takes longer than to use it a hundred times.
const written = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.title = time.dateTime;
      const here = written.format(moment);
      if (time.textContent !== here) {
        time.textContent = here;
      }
    }
  }
}

document.addEventListener("DOMContentLoaded", () => localise(document));
document.addEventListener("htmx:afterSwap", () => localise(document));

// What is told of work that goes on stays where it is while it says the same, or screen readers would repeat it every time.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  event.detail.shouldSwap = target.innerHTML !== fragment.innerHTML;
});

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

// What a slow disk has not told yet is asked for again.
document.addEventListener("DOMContentLoaded", () => {
  if ("again" in document.body.dataset) {
    setTimeout(() => window.location.reload(), 3000);
  }
});

// The review by keyboard. Every key presses a button or follows a link that is on the page anyway.
function rowOf(element) {
  return element instanceof Element ? element.closest("[data-row]") : null;
}

function step(rows, by) {
  const now = rows.indexOf(rowOf(document.activeElement));
  const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
}

// After a decision in the list the next album has the focus, so that one key follows the other.
document.addEventListener("DOMContentLoaded", () => {
  if (new URLSearchParams(window.location.search).has("done")) {
    const next = document.querySelector("[data-goes-on]") ?? [...document.querySelectorAll("[data-row]")].at(-1);
    next?.querySelector("a").focus();
  }
});

document.addEventListener("keydown", (event) => {
  const help = document.getElementById("keys");
  const typing = event.target instanceof Element && event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
  if (!help || typing || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const rows = [...document.querySelectorAll("[data-row]")];
  const row = rowOf(document.activeElement);
  const found = row?.querySelector(`[data-row-key="${CSS.escape(event.key)}"]`) ?? document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "?") {
    help.showModal();
  } else if (found) {
    if (!(event.repeat && found.matches("button"))) {  // a key that is held down decides one album, and not the next one, too
      found.click();
    }
  } else if (rows.length && (event.key === "j" || event.key === "k")) {
    step(rows, event.key === "j" ? 1 : -1);
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById("keys").showModal());
  }
});

// What was done is told once, and not again when the page is loaded anew; on a phone the way to this page is in sight.
document.addEventListener("DOMContentLoaded", () => {
  const address = new URL(window.location);
  if (address.searchParams.has("said")) {
    address.searchParams.delete("said");
    window.history.replaceState(null, "", address);
  }
  const here = document.querySelector("nav [aria-current]");
  if (here) {  // not scrollIntoView, which takes the whole page to its top
    here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - (here.parentElement.clientWidth - here.clientWidth) / 2;
  }
});

// On a phone what is searched for makes room for the albums, unless it is why some are missing.
document.addEventListener("DOMContentLoaded", () => {
  const narrow = window.matchMedia("(max-width: 55rem)");
  const fold = () => document.querySelectorAll("[data-folds]").forEach((sieve) => (sieve.open = !narrow.matches));
  narrow.addEventListener("change", fold);
  fold();
});

// One box marks all of a list, where there is a script.
document.addEventListener("DOMContentLoaded", () => {
  for (const all of document.querySelectorAll("[data-all]")) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const one of all.form.querySelectorAll("[name=chosen]")) {
        one.checked = all.checked;
      }
    });
  }
});

// A table wider than the screen can be scrolled by keyboard, too; one that fits is no stop on the way.
document.addEventListener("DOMContentLoaded", () => {
  const looks = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      if (target.scrollWidth > target.clientWidth) {
        target.tabIndex = 0;
      } else {
        target.removeAttribute("tabindex");
      }
    }
  });
  document.querySelectorAll(".wide").forEach((wide) => looks.observe(wide));
});

// A form is sent once: a double click on a slow line made two notes of one, and a key whose secret nobody ever saw. Whoever
// stopped it, or waited long enough, may send it again.
const SENT_FOR = 5000; // milliseconds

document.addEventListener("submit", (event) => {
  const { target: form, timeStamp: now } = event;
  if (form.method === "post" && now - Number(form.dataset.sent ?? -SENT_FOR) < SENT_FOR) {
    event.preventDefault();
  } else {
    form.dataset.sent = now;
  }
});

// What was typed into a form that was not taken, as the session had ended or the database was away, stands in it again when
// its page is shown next. Kept is what was changed, in this tab and for this person only, and no secret.
const TYPED = "typed";
const whoReads = () => document.querySelector(".who a")?.textContent;
const typedIn = (form) => [...form.elements].filter((field) => field.matches(":is(textarea, select, input):not([type=hidden], [type=password], [type=file], [data-secret])"));

// A form that came back with an error shows what was typed before; what its fields were at first stands beside them, if anywhere.
function isChanged(field) {
  const was = field.form.elements.namedItem(`was ${field.name}`);
  if (was && field.type !== "checkbox") {
    return field.value !== was.value;
  }
  if (field.matches("select")) {
    return [...field.options].some((option) => option.selected !== option.defaultSelected);
  }
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

document.addEventListener("submit", ({ target: form }) => {
  const fields = typedIn(form).flatMap((field) => (isChanged(field) ? [[field.name, field.value, field.checked]] : []));
  const page = window.location.pathname + window.location.search;
  if (form.method === "post" && fields.length && whoReads()) {
    const place = { page, form: [...document.forms].indexOf(form), action: form.getAttribute("action") };
    window.sessionStorage.setItem(TYPED, JSON.stringify({ ...place, who: whoReads(), fields }));
  } else if (form.matches(".who")) {
    window.sessionStorage.removeItem(TYPED); // who signs out leaves nothing to whoever comes next
  }
});

document.addEventListener("DOMContentLoaded", () => {
  const kept = JSON.parse(window.sessionStorage.getItem(TYPED));
  const form = kept && document.forms[kept.form];
  if (kept && "refused" in document.body.dataset) {
    window.sessionStorage.setItem(TYPED, JSON.stringify({ ...kept, isLost: true }));
  } else if (!kept?.isLost) {
    window.sessionStorage.removeItem(TYPED);
  } else if (kept.page === window.location.pathname + window.location.search && form?.getAttribute("action") === kept.action) {
    window.sessionStorage.removeItem(TYPED);
    const there = kept.who === whoReads() ? typedIn(form) : [];
    const again = kept.fields.map(([name, value, checked]) => {
      // A box is told by its value: in a list another album may stand by now where it was.
      const field = there.find((one) => one.name === name && (one.type !== "checkbox" || one.value === value));
      return field && Object.assign(field, { value }, checked === undefined ? {} : { checked });
    });
    if (again.some(Boolean)) {
      const told = Object.assign(document.createElement("p"), { className: "said", role: "status" });
      told.textContent = "What you had typed was not taken. It is in the form again: look at it, and send it once more.";
      document.getElementById("main").prepend(told);
    }
  }
});
