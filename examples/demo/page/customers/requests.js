/* Exports and erases: the state and the proof of each channel, and what a person has done by hand. */
import { element } from "/storefront/dom.js";
import { RECORD_PART, REQUESTS } from "./documents.js";
import { mutate, query } from "./gateway.js";
import { createDecisionForm, runAction, showStatus } from "./page.js";
import { formatName, formatTime, toWords } from "./wording.js";

const list = document.getElementById("requests");
const MANUAL_STATES = new Set(["NOT_SUPPORTED", "FAILED"]);

/* Shows the newest requests, and again when the button is pressed. */
export function openRequests() {
  const button = document.getElementById("refresh-requests");
  button.addEventListener("click", () => runAction([button], showRequests));
  return showRequests();
}

async function showRequests() {
  const { dataRequests } = await query(REQUESTS);
  const requests = dataRequests.nodes.map(createRequest);
  list.replaceChildren(...(requests.length ? requests : [element("p", {}, "There are no requests.")]));
}

function createRequest(request) {
  const title = `${capitalize(toWords(request.kind))}, ${toWords(request.state)}`;
  return element(
    "section",
    { class: "review", "aria-label": title, "data-request": request.id },
    element("h3", {}, title),
    element("p", {}, describeRequest(request)),
    element("ul", { class: "plain" }, request.parts.map((part) => createPart(request, part))),
  );
}

function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function describeRequest({ customer, requestedBy, requestedAt, executesAt, state, dueAt }) {
  const texts = [
    customer ? formatName(customer) : "Customer is erased",
    `requested ${formatTime(requestedAt)} by ${requestedBy || "the customer"}`,
    state === "QUEUED" && `begins ${formatTime(executesAt)}`,
    `due ${formatTime(dueAt)}`,
  ];
  return texts.filter(Boolean).join(" · ");
}

function createPart(request, part) {
  const lines = [part.proof, part.fault && `Fault: ${part.fault.message}`, ...part.kept.map((text) => `Stays: ${text}`)];
  const isManual = request.kind === "ERASE" && request.state !== "QUEUED" && MANUAL_STATES.has(part.state) && part.channel;
  return element(
    "li",
    {},
    `${part.channel?.name ?? "Gateway"}: ${toWords(part.state)}`,
    lines.filter(Boolean).map((text) => element("div", { class: "muted" }, text)),
    isManual && createRecordForm(request, part),
  );
}

/* Creates the form in which a person records an erase in a channel that cannot do it. The note is its proof. */
function createRecordForm(request, { channel }) {
  const record = async (proof) => {
    await mutate(RECORD_PART, { requestId: request.id, channelKey: channel.key, proof });
    await showRequests();
    showStatus("The erase is recorded.");
  };
  return createDecisionForm(`Erased in ${channel.name}`, { "Done by hand": record });
}
