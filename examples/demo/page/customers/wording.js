/* Words for the values of the gateway. */

const RULES = {
  CHANNEL_MERGE: "merge by the channel",
  CLAIM: "claim of an order",
  EMAIL: "same email address",
  EMAIL_AND_NAME: "same email address and full name",
  EMAIL_AND_PHONE: "same email address and mobile number",
  EXTERNAL_REFERENCE: "same reference",
  LOGIN: "login",
  LOYALTY_NUMBER: "same loyalty number",
  MANUAL: "decision of staff",
  PHONE: "same phone number",
  PHONE_AND_NAME: "same mobile number and full name",
  PLUGIN: "policy of the retailer",
  VERIFIED_EMAIL: "same verified email address",
  VERIFIED_PHONE: "same verified mobile number",
};
const VERDICTS = { LINKS: "Joined", SUGGESTS: "Suggested", CONTRADICTS: "Contradicted" };
const SOURCE_RULES = {
  CHANNEL_PRIORITY: "its channel is preferred",
  CHOSEN: "entered here",
  NEWEST: "changed last",
  ONLY_ONE: "the only value",
  VERIFIED: "verified",
};

/* Returns a value of an enum that has no words here in lower case. */
export function toWords(value) {
  return value.toLowerCase().replaceAll("_", " ");
}

export function formatName(customer) {
  return customer.displayName ?? "No name";
}

export function formatRecord({ channel, externalId }) {
  return `${channel?.name ?? "Account"} ${externalId}`;
}

export function formatTime(instant) {
  return new Date(instant).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

export function formatMoney(amounts) {
  return (amounts ?? []).map(({ amount, currencyCode }) => `${amount} ${currencyCode}`).join(", ");
}

/* Describes what connects a record with another one. What the record has of its own connects it with none. */
export function describeEvidence({ rule, verdict, value, other }) {
  const words = RULES[rule] ?? toWords(rule);
  if (!other) return `Has ${words.replace(/^same /, "")}${value ? ` ${value}` : ""}`;
  return `${VERDICTS[verdict] ?? toWords(verdict)}: ${words}${value ? ` (${value})` : ""} as ${formatRecord(other)}`;
}

export function describeSource({ field, rule, alternatives, identity }) {
  const others = alternatives ? `, of ${alternatives + 1} values` : "";
  const record = identity ? formatRecord(identity) : "another channel";
  return `${toWords(field)}: ${record}, ${SOURCE_RULES[rule] ?? toWords(rule)}${others}`;
}
