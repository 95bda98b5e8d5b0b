/* What customers do with their own data: they export it, or have it erased. */
import { element, labeled, quiet, runDisabled } from "./dom.js";
import { formatTime } from "./format.js";
import { mutate, query } from "./gateway.js";
import { renderLoginButton } from "./login.js";
import { describeResult, showMessage } from "./page.js";
import { getToken } from "./token.js";

const STORED = "storefront data requests";
const POLL_SECONDS = 1;
const PENDING_STATES = new Set(["QUEUED", "RUNNING"]);
const EXPECTED_STATES = { QUEUED: "will be erased", NOT_SUPPORTED: "our staff will erase it", DONE: "erased already" };
const PART_STATES = {
  QUEUED: "not erased yet",
  WAITING: "erased once your orders are complete",
  SENT: "asked to erase it",
  DONE: "erased",
  NOT_SUPPORTED: "our staff will erase it",
  DONE_BY_HAND: "erased by our staff",
  FAILED: "our staff will see to it",
};

/* The IDs of the customer's last requests, by kind: in this window only. */
function listRequestIds() {
  return JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
}

function storeRequestId(kind, id) {
  sessionStorage.setItem(STORED, JSON.stringify({ ...listRequestIds(), [kind]: id }));
}

export function forgetDataRequests() {
  sessionStorage.removeItem(STORED);
}

/* Returns a request; null: it is another customer's, or the login has ended. */
async function loadRequest(id) {
  try {
    return (await query("MyDataRequest", { id })).node;
  } catch (error) {
    if (getToken()) throw error;
    return null;
  }
}

/* Shows a request, and each change until it ends or another page is shown. `render` receives null once the login has
   ended: an erase ends it. */
async function watchRequest(request, draw, render) {
  if (!draw.isShown()) return;
  render(request);
  for (let last = request; last && PENDING_STATES.has(last.state); ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_SECONDS * 1000));
    if (!draw.isShown()) return;
    const next = await loadRequest(last.id).catch(() => last); // without a response it is asked for again
    if (draw.isShown() && JSON.stringify(next) !== JSON.stringify(last)) render(next);
    last = next;
  }
}

/* Sends a mutation and returns its request; null: it was refused, which the page shows. */
async function sendRequest(name, input, box) {
  try {
    const payload = await mutate(name, { key: crypto.randomUUID(), input });
    showMessage(describeResult(payload));
    if (payload.userErrors.some(({ code }) => code === "LOGIN_TOO_OLD")) box.replaceChildren(...renderLoginAgain());
    return payload.userErrors.length ? null : payload.request;
  } catch (error) {
    showMessage(error.message);
    return null;
  }
}

function renderLoginAgain() {
  const text = "Your login is older than ten minutes. Please log in again to erase your data.";
  return [element("p", {}, text), renderLoginButton()];
}

function renderExportButton(box, draw) {
  const start = async () => {
    const request = await sendRequest("CustomerExport", {}, box);
    if (!request) return;
    storeRequestId("EXPORT", request.id);
    await watchRequest(request, draw, (changed) => renderExport(box, changed, draw));
  };
  const button = element("button", { type: "button", onclick: () => runDisabled(button, start) }, "Export my data");
  return button;
}

function renderExport(box, request, draw) {
  if (!request || !PENDING_STATES.has(request.state)) {
    const link = request?.downloadUrl && element("a", { href: request.downloadUrl, download: "" }, "Download my data");
    const until = link && quiet(" until ", formatTime(request.downloadUntil));
    box.replaceChildren(...[link && element("p", {}, link, until), renderExportButton(box, draw)].filter(Boolean));
  } else {
    box.replaceChildren(element("p", {}, "Your data is being collected…"));
  }
}

function renderEraseForm(box, draw, onErased) {
  const field = element("input", { name: "confirm", type: "email", autocomplete: "off", required: true, maxlength: 254 });
  const button = element("button", {}, "Erase my data");
  const send = async () => {
    const request = await sendRequest("CustomerErase", { confirm: field.value.trim() }, box);
    if (!request) return;
    storeRequestId("ERASE", request.id);
    await watchErase(box, request, draw, onErased);
  };
  const submit = (event) => {
    event.preventDefault();
    runDisabled(button, send);
  };
  return element("form", { id: "erase-form", onsubmit: submit }, labeled("Type your email address to erase your data", field), button);
}

/* Shows an erase until its end. Soon after it has begun, the gateway refuses the login. */
async function watchErase(box, request, draw, onErased) {
  let last = request;
  await watchRequest(request, draw, (changed) => {
    last = changed ?? last;
    if (changed?.state === "CANCELLED") box.replaceChildren(renderEraseForm(box, draw, onErased));
    else if (PENDING_STATES.has(changed?.state)) box.replaceChildren(...renderErase(box, changed));
    else onErased(last);
  });
}

function renderErase(box, request) {
  if (request.state !== "QUEUED") return [element("p", {}, "Your data is being erased."), renderParts(request)];
  const cancel = async () => {
    if (await sendRequest("DataRequestCancel", { requestId: request.id }, box)) showMessage("Canceled. Nothing is erased.");
  };
  const button = element("button", { type: "button", onclick: () => runDisabled(button, cancel) }, "Cancel");
  return [
    element("p", {}, "Your data will be erased. You can cancel it until ", formatTime(request.executesAt), "."),
    renderParts(request),
    button,
  ];
}

function renderParts({ state: requestState, parts }) {
  const states = requestState === "QUEUED" ? EXPECTED_STATES : PART_STATES;
  const lines = parts.map(({ channel, state, proof, kept }) =>
    element(
      "li",
      { class: "data-part" },
      `${channel?.name ?? "Your account"}: ${states[state] ?? states.QUEUED}`,
      proof && element("div", {}, quiet(proof)),
      kept.map((text) => element("div", {}, quiet(`Stays: ${text}`))),
    ),
  );
  return element("ul", { class: "plain" }, lines);
}

/* Returns the last request of a kind that this window has made, and that is still the customer's. */
async function resumeRequest(kind) {
  const id = listRequestIds()[kind];
  return id ? loadRequest(id).catch(() => null) : null;
}

async function showExport(box, draw) {
  await watchRequest(await resumeRequest("EXPORT"), draw, (request) => renderExport(box, request, draw));
}

async function showErase(box, draw, onErased) {
  const request = await resumeRequest("ERASE");
  if (request) await watchErase(box, request, draw, onErased);
  else box.replaceChildren(renderEraseForm(box, draw, onErased));
}

/* Creates what is shown after an erase: what is done in each channel, and what stays. */
export function renderErased(request) {
  const text = "You are logged out, and a new login is a new customer. This is what happens to your data:";
  return [element("h1", {}, "Your data is erased"), element("p", {}, text), renderParts(request)];
}

/* Creates the section. `onErased` is called when an erase is done or has ended the login, with its last known request. */
export function renderOwnData(draw, onErased) {
  const exported = element("div", { id: "export" });
  const erased = element("div", { id: "erase" });
  showExport(exported, draw);
  showErase(erased, draw, onErased);
  return element("section", { id: "own-data", "aria-label": "Your data" }, element("h2", {}, "Your data"), exported, erased);
}
