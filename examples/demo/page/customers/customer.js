/* One customer: identities and why they are one, timeline, points, consents, decisions; split and undo. */
import { element } from "/storefront/dom.js";
import { DESK, SPLIT, UNDO } from "./documents.js";
import { mutate, query } from "./gateway.js";
import { createDecisionForm, createEvidenceList, renderContacts } from "./page.js";
import { describeSource, formatMoney, formatName, formatRecord, formatTime, toWords } from "./wording.js";

const view = document.getElementById("customer");

/* Shows a customer. An ID of before a merge leads to the customer of today. */
export async function showCustomer(id, onDecided) {
  const { customer } = await query(DESK, { id });
  if (!customer) throw new Error("There is no customer with this ID.");
  view.replaceChildren(
    element("h2", {}, formatName(customer)),
    createFacts(customer),
    ...createIdentities(customer, onDecided),
    ...createDecisions(customer, onDecided),
    element("h3", {}, "Timeline"),
    createTimeline(customer.timeline.nodes),
    element("h3", {}, "Where the values come from"),
    createList("sources", customer.sources.map(describeSource)),
  );
  view.dataset.customer = customer.id;
  view.hidden = false;
}

function createList(id, texts) {
  return element("ul", { class: "plain", id }, texts.map((text) => element("li", {}, text)));
}

function createFacts({ loyalty, consents, statistics, openReviews, ...customer }) {
  const facts = {
    Contact: renderContacts(customer) || "none",
    Orders: [statistics.count, formatMoney(statistics.total)].filter(Boolean).join(", ") || "none",
    Points: loyalty ? describePoints(loyalty) : "none",
    Consents: consents.map(({ purpose, address, state }) => `${toWords(purpose)} ${address ?? ""} ${toWords(state)}`).join(", ") || "none",
    "Open reviews": String(openReviews.length),
  };
  const rows = Object.entries(facts).flatMap(([name, text]) => [
    element("dt", {}, name),
    element("dd", { "data-fact": name }, text),
  ]);
  return element("dl", { class: "facts" }, rows);
}

function describePoints({ balance, pending, tier, numbers, worth }) {
  const parts = [`${balance} (${formatMoney(worth)})`, pending && `${pending} pending`, tier, numbers.length && `card ${numbers.join(", ")}`];
  return parts.filter(Boolean).join(", ");
}

function createIdentities(customer, onDecided) {
  const records = customer.records.nodes;
  const split = async (note) => {
    const chosen = [...view.querySelectorAll('[name="identity"]:checked')].map((box) => box.value);
    await mutate(SPLIT, { customerId: customer.id, identityIds: chosen, note });
    await onDecided("The identities are another customer's now.", customer.id);
  };
  return [
    element("h3", {}, "Identities, and why they are one customer"),
    createTable(["", "Record", "Name", "Card", "Orders", "Why"], records.map(createIdentityRow)),
    records.length > 1 && createDecisionForm("Split", { "Split the chosen identities": split }),
  ].filter(Boolean);
}

function createTable(titles, rows) {
  const head = element("tr", {}, titles.map((title) => element("th", { scope: "col" }, title)));
  const table = element("table", { id: "identities" }, element("thead", {}, head), element("tbody", {}, rows));
  return element("div", { class: "wide", role: "region", "aria-label": "Identities", tabindex: "0" }, table);
}

function createIdentityRow(identity) {
  const record = formatRecord(identity);
  const box = element("input", { type: "checkbox", name: "identity", value: identity.id, "aria-label": `Split ${record}` });
  const cells = [
    box,
    identity.gone ? `${record} (deleted)` : record,
    identity.displayName ?? "",
    identity.loyaltyNumber ?? "",
    String(identity.orderCount ?? ""),
    createEvidenceList(identity.evidence),
  ];
  return element("tr", { "data-identity": identity.id }, cells.map((cell) => element("td", {}, cell)));
}

function createTimeline(events) {
  const lines = events.map(({ kind, occurredAt, channel, summary }) =>
    element("li", { "data-kind": kind }, `${formatTime(occurredAt)} · ${channel?.name ?? "Gateway"} · ${summary}`),
  );
  return element("ol", { class: "plain", id: "timeline" }, lines);
}

function createDecisions({ id, merges }, onDecided) {
  if (!merges.length) return [];
  const lines = merges.map((merge) => element("li", { "data-merge": merge.id }, createDecision(merge, id, onDecided)));
  return [element("h3", {}, "Decisions"), element("ul", { class: "plain", id: "decisions" }, lines)];
}

function createDecision(merge, customerId, onDecided) {
  const proof = merge.proved ? ", with proof" : "";
  const text = `${formatTime(merge.mergedAt)} · ${toWords(merge.kind)}${proof} by ${merge.by || "the customer"}: ${merge.note ?? "no note"}`;
  if (merge.undoneAt) return [element("span", { class: "undone" }, text), ` undone ${formatTime(merge.undoneAt)}`];
  const undo = async (note) => {
    await mutate(UNDO, { mergeId: merge.id, note });
    await onDecided("The decision is undone.", customerId);
  };
  return [text, createDecisionForm("Undo", { Undo: undo })];
}
