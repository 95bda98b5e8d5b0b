// The rules of graphql-eslint that are recommended for schemas and demanded by Relay, and for the documents beside the
// schema those that are recommended for operations. Where an option is set, or a place allowed, it says why.
import graphql from "@graphql-eslint/eslint-plugin";

const schema = "schema/gateway.graphql";
const apps = ["storefront", "store-app"];
const files = (app) => `schema/operations/${app}/*.graphql`;

// Each app is a project: its documents know its own fragments.
const projects = Object.fromEntries(apps.map((app) => [app, { schema, documents: files(app) }]));
const graphQLConfig = { projects: { default: { schema, include: schema }, ...projects } };
const shared = {
  plugins: { "@graphql-eslint": graphql },
  languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig } },
};

// Types of which a client's cache keeps each object under an id are nodes. These are values: parts of the object that
// holds them, kept with it, and never looked up by themselves. A new type without an id is a finding until it is named here.
const VALUES = [
  "Address", "AppliedDiscount", "CartChange", "CartLineQuantity", "CartWarning", "Change", "ChannelFault", "ChannelHealth",
  "ContactPoint", "Facet", "FacetValue", "FulfillmentOption", "FulfillmentPart", "GeoPoint", "IdentityEvidence", "Image",
  "ListingPush", "Money", "MoneyRange", "OpeningHours", "OrderContact", "OrderLineQuantity", "OrderPreview",
  "OrderPreviewStep", "PageInfo", "ProductOption", "ProductOptionValue", "SelectedOption", "Source", "StoreAvailability",
  "SyncStatus", "TaxLine", "Tracking", "UserError", "Viewer",
];

const rules = {
  ...graphql.configs["flat/schema-recommended"].rules,
  ...graphql.configs["flat/schema-relay"].rules,
  // What a connection, its edges and a mutation's answer are is known by whoever asked; they are kept under the field.
  "@graphql-eslint/strict-id-in-types": [
    "error",
    { exceptions: { types: VALUES, suffixes: ["Connection", "Edge", "Payload"] } },
  ],
  // Besides connections there are lists with a hard cap, which the schema shows (@listSize), and `nodes` beside `edges`:
  // both are lists of something else than edges. Edges stay held to their names and to their nodes.
  "@graphql-eslint/relay-edge-types": [
    "error",
    { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
  ],
  // Queues and logs are read from their beginning on: these connections page forward only, which Relay allows.
  "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
};

// Findings that stay, by rule and by what stands at the place, each with its reason.
export const ALLOWED = [
  // Part of the contract for those who build on it; how long an answer is kept is worked out from what is in it.
  ["no-unreachable-types", "directive @cacheControl"],
  ["no-unreachable-types", "enum CacheControlScope"],
  // A change is one entry of a log, and how soon a shop has something depends on where one is: neither is kept under an id.
  ["relay-edge-types", "type ChangeEdge"],
  ["relay-edge-types", "type StoreAvailabilityEdge"],
];

export default [
  { files: [schema], ...shared, rules },
  { files: apps.map(files), ...shared, rules: graphql.configs["flat/operations-recommended"].rules },
];
