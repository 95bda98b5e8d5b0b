// The rules of graphql-eslint that are recommended for schemas and required by Relay, and for the documents beside the
// schema those recommended for operations. Every option and every exception states its reason.
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
// holds them, cached with it and never fetched alone. A new type without an id is a finding until it is listed here.
const VALUES = [
  "Actor", "Address", "AppliedDiscount", "Attribute", "AttributeDefinition", "AttributeValue", "AuditChange", "CartChange", "CartLineQuantity",
  "CartWarning", "Change", "ChannelFault", "ChannelHealth", "Consent", "ConsentDecision", "ContactPoint", "Content", "CustomerMergePreview",
  "DataRequestPart",
  "DocumentApp", "DocumentPolicy", "Facet", "FacetValue", "FieldSource", "FulfillmentOption", "FulfillmentPart", "GeoPoint", "IdentityEvidence",
  "Image", "ListingPush", "LoyaltyAccount", "LoyaltyExpiry", "Measure", "Media", "MediaSource", "Money", "MoneyRange", "OpeningDay", "OpeningHours",
  "OpeningPeriod", "OrderCharge", "OrderContact", "OrderLineQuantity", "OrderPreview", "OrderPreviewStep", "OrderStatistics", "PageInfo",
  "ProductFieldSource", "ProductOption", "ProductOptionValue", "QuerySuggestion", "Rating", "SearchSuggestions", "Segment", "SelectedOption", "Seo",
  "ShopPolicy", "Source", "StoreAvailability", "Swatch", "SyncStatus", "TaxLine", "TextRange", "Tracking", "UnitPrice", "UserError", "Viewer",
];

const rules = {
  ...graphql.configs["flat/schema-recommended"].rules,
  ...graphql.configs["flat/schema-relay"].rules,
  // Connections, their edges and payloads of mutations are cached under their field.
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

// Accepted findings, by rule and by the line they are in, each with its reason.
export const ALLOWED = [
  // Part of the contract for clients; the lifetime of a response depends on its content.
  ["no-unreachable-types", "directive @cacheControl"],
  ["no-unreachable-types", "enum CacheControlScope"],
  // A change is an entry of a log, and store availability depends on the position of the client: neither has an id.
  ["relay-edge-types", "type ChangeEdge"],
  ["relay-edge-types", "type StoreAvailabilityEdge"],
];

export default [
  { files: [schema], ...shared, rules },
  { files: apps.map(files), ...shared, rules: graphql.configs["flat/operations-recommended"].rules },
];
