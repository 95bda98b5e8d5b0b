// Generates types and the manifest of persisted documents from the schema and the documents.
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

export default {
  schema: "../../schema/gateway.graphql",
  documents: "../../schema/operations/storefront/*.graphql",
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      // Apollo's cache requires __typename: the registered documents have to contain it.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: "sha256" } },
      config: {
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          CountryCode: "string",
          CurrencyCode: "string",
          Date: "string",
          DateTime: "string",
          Decimal: "string",
          Locale: "string",
        },
      },
    },
  },
};
