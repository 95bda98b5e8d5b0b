/* Parts that the sections of the page share: the status, and forms that run an action. */
import { element } from "/storefront/dom.js";
import { describeEvidence, formatName, formatRecord } from "./wording.js";

export function showStatus(text) {
  document.getElementById("status").textContent = text;
}

/* Runs an action with the buttons disabled, and shows in words why it failed. */
export async function runAction(buttons, work) {
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    showStatus(error.message);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/* Creates a form with a note. `actions`: what each button does with the note and the checkbox, by the button's text.
   `proof`: whether it asks if staff saw proof. `required`: whether a note is required. */
export function createDecisionForm(label, actions, { proof = false, required = true } = {}) {
  const note = element("input", { name: "note", maxlength: 500, autocomplete: "off", required });
  const proved = element("input", { name: "proved", type: "checkbox" });
  const buttons = Object.keys(actions).map((text) => element("button", { value: text }, text));
  const submit = (event) => {
    event.preventDefault();
    const action = actions[event.submitter?.value ?? buttons[0].value];
    runAction(buttons, () => action(note.value.trim(), proved.checked));
  };
  return element(
    "form",
    { class: "line", "aria-label": label, onsubmit: submit },
    element("label", {}, required ? "Note " : "Note (optional) ", note),
    proof && element("label", {}, proved, " Staff saw proof that they are one person"),
    buttons,
  );
}

export function renderContacts(customer) {
  const points = [...(customer.emails ?? []), ...(customer.phones ?? [])];
  return points.map(({ value, verified }) => (verified ? `${value} (verified)` : value)).join(", ");
}

/* Creates a line with the name, the contacts and the records of a customer. */
export function createCustomerLine(customer, ...actions) {
  const records = customer.identities.nodes.map(formatRecord).join(", ");
  return element(
    "div",
    { class: "customer-line", "data-customer": customer.id },
    element("a", { href: `#${customer.id}` }, formatName(customer)),
    element("span", {}, renderContacts(customer)),
    element("span", { class: "muted" }, records),
    actions,
  );
}

/* Lists evidence. That a record refers to itself says nothing. */
export function createEvidenceList(evidence) {
  const telling = (evidence ?? []).filter(({ rule, other }) => other || rule !== "EXTERNAL_REFERENCE");
  const lines = telling.map((one) => element("li", { class: one.verdict }, describeEvidence(one)));
  return element("ul", { class: "plain" }, lines);
}
