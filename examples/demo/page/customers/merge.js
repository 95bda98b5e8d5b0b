/* The merge of chosen customers, with a preview before it. */
import { element } from "/storefront/dom.js";
import { MERGE, PREVIEW } from "./documents.js";
import { mutate, query } from "./gateway.js";
import { createCustomerLine, createDecisionForm, createEvidenceList, runAction } from "./page.js";
import { describeSource, formatName, formatRecord } from "./wording.js";

const list = document.getElementById("chosen");
const preview = document.getElementById("preview");
let chosen = [];
let onDecided = () => {};

/* Opens the merge. `decided` is called after a merge, with a text and the customer to show. */
export function openMerge(decided) {
  onDecided = decided;
}

export function chooseCustomer(customer) {
  if (!chosen.some((other) => other.id === customer.id)) setChosen([...chosen, customer]);
}

function setChosen(customers) {
  chosen = customers;
  list.replaceChildren(...chosen.map(createChosen));
  preview.replaceChildren(...(chosen.length > 1 ? [createPreviewButton()] : []));
}

function createChosen(customer) {
  const remove = () => setChosen(chosen.filter((other) => other !== customer));
  return element("li", {}, createCustomerLine(customer, element("button", { type: "button", onclick: remove }, "Remove")));
}

function createPreviewButton() {
  const button = element("button", { type: "button" }, "Preview the merge");
  button.addEventListener("click", () => runAction([button], showPreview));
  return button;
}

async function showPreview() {
  const customerIds = chosen.map((customer) => customer.id);
  const { customerMergePreview: result } = await query(PREVIEW, { customerIds });
  if (!result) throw new Error("One of the customers does not exist anymore. Search again.");
  preview.replaceChildren(...createPreview(result), createMergeForm(customerIds));
}

function createPreview({ identities, orders, sources, contradictions, ...customer }) {
  const items = (texts) => element("ul", { class: "plain" }, texts.map((text) => element("li", {}, text)));
  return [
    element("h3", {}, `They would be ${formatName(customer)}, with ${orders} orders`),
    items(identities.map((identity) => `${formatRecord(identity)}: ${formatName(identity)}`)),
    element("h3", {}, "Where the values would come from"),
    items(sources.map(describeSource)),
    contradictions.length > 0 && element("h3", {}, "What contradicts it"),
    createEvidenceList(contradictions),
  ].filter(Boolean);
}

function createMergeForm(customerIds) {
  const merge = async (note, proved) => {
    const { customer } = await mutate(MERGE, { customerIds, note, proved });
    setChosen([]);
    await onDecided("The customers are merged.", customer.id);
  };
  return createDecisionForm("Merge", { Merge: merge }, { proof: true });
}
