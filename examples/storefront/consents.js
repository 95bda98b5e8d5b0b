/* What a customer allows: each purpose with a switch. The text beside it is the wording that is stored. */
import { element, quiet } from "./dom.js";
import { mutate } from "./gateway.js";
import { describeResult, show, showMessage } from "./page.js";

const WORDINGS = {
  MARKETING_EMAIL: "Send me news and offers by e-mail",
  PROFILING: "Recommend products by what I have bought",
};

async function setConsent(purpose, granted) {
  const input = { purpose, granted, wording: WORDINGS[purpose] };
  try {
    const payload = await mutate("ConsentSet", { key: crypto.randomUUID(), input });
    showMessage(describeResult(payload) || (granted ? "Saved. You can withdraw it at any time." : "Withdrawn."));
  } catch (error) {
    showMessage(error.message);
  }
  await show();
}

function renderConsent(purpose, states) {
  const field = element("input", {
    type: "checkbox",
    role: "switch",
    name: purpose,
    checked: states.includes("GRANTED"),
    onchange: ({ target }) => setConsent(purpose, target.checked),
  });
  const waiting = states.includes("UNCONFIRMED") && quiet("Not confirmed yet");
  return element("label", { class: "choice" }, field, element("span", {}, WORDINGS[purpose]), waiting);
}

export function renderConsents(consents) {
  const listStates = (purpose) => consents.filter((consent) => consent.purpose === purpose).map(({ state }) => state);
  return element("div", { id: "consents" }, Object.keys(WORDINGS).map((purpose) => renderConsent(purpose, listStates(purpose))));
}
