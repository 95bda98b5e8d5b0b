// From the schema and the documents: types, and the manifest that a release pushes before the app is shipped.
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

export default {
  schema: "../../schema/gateway.graphql",
  documents: "../../schema/operations/storefront/*.graphql",
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      // Apollo's cache asks for the type of everything: what is pushed has to ask for it as well.
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
        },
      },
    },
  },
};
