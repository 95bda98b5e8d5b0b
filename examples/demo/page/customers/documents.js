/* The documents that the page sends to the gateway. */

const NAMED = `fragment named on Customer {
  id displayName emails { value verified } phones { value verified }
  identities(first: 20) { nodes { id channel { name } externalId orderCount } }
}`;
const EVIDENCE = `fragment evidence on IdentityEvidence {
  rule verdict value other { externalId displayName channel { name } }
}`;
const REVIEW = `fragment review on CustomerReview { id reason customers { ...named } evidence { ...evidence } }`;

export const SEARCH = `query CustomerSearch($search: String, $filter: CustomerFilter) {
  customers(first: 20, search: $search, filter: $filter) { nodes { ...named } }
}
${NAMED}`;

export const SEARCH_ORDERS = `query CustomersOfOrders($search: String!) {
  orders(first: 20, search: $search) { nodes { number customer { ...named } } }
}
${NAMED}`;

export const DESK = `query CustomerDesk($id: ID!) {
  customer(id: $id) {
    ...named
    sources { field rule alternatives identity { externalId channel { name } } }
    records: identities(first: 50) {
      nodes { id channel { name } externalId displayName loyaltyNumber orderCount gone evidence { ...evidence } }
    }
    statistics { count total { amount currencyCode } lastAt }
    loyalty { numbers balance pending tier worth { amount currencyCode } }
    consents { purpose address state }
    timeline(first: 20) { nodes { id kind occurredAt channel { name } summary } }
    merges { id kind by note proved mergedAt undoneAt }
    openReviews { id }
  }
}
${NAMED}
${EVIDENCE}`;

export const REVIEWS = `query CustomerReviews {
  customerReviews(first: 20, states: [OPEN]) { nodes { ...review } }
}
${NAMED}
${EVIDENCE}
${REVIEW}`;

export const PREVIEW = `query MergePreview($customerIds: [ID!]!) {
  customerMergePreview(customerIds: $customerIds) {
    displayName orders
    identities { id channel { name } externalId displayName }
    sources { field rule alternatives identity { externalId channel { name } } }
    contradictions { ...evidence }
  }
}
${EVIDENCE}`;

const DECIDED = `merge { id } userErrors { code message }`;

export const DECIDE = `mutation ReviewDecide($input: CustomerReviewDecideInput!) {
  customerReviewDecide(input: $input) { review { id state merge { id } } customer { id } userErrors { code message } }
}`;

export const MERGE = `mutation Merge($input: CustomerMergeInput!) {
  customerMerge(input: $input) { customer { id } ${DECIDED} }
}`;

export const SPLIT = `mutation Split($input: CustomerSplitInput!) {
  customerSplit(input: $input) { customers { id } ${DECIDED} }
}`;

export const UNDO = `mutation MergeUndo($input: CustomerMergeUndoInput!) {
  customerMergeUndo(input: $input) { customers { id } ${DECIDED} }
}`;

export const REQUESTS = `query DataRequests {
  dataRequests(first: 20) {
    nodes {
      id kind state customer { displayName } requestedBy requestedAt executesAt dueAt
      parts { channel { key name } state proof kept fault { message } }
    }
  }
}`;

export const RECORD_PART = `mutation DataRequestPartRecord($input: DataRequestPartRecordInput!) {
  dataRequestPartRecord(input: $input) { request { id } userErrors { code message } }
}`;
