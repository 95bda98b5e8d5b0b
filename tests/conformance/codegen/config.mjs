// graphql-codegen with its client preset, as a storefront's build has it. Run in a folder with a copy of schema/.
export default {
  schema: "schema/gateway.graphql",
  documents: "schema/operations/storefront/*.graphql",
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: "sha256" } },
      config: {
        documentMode: "string",
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
