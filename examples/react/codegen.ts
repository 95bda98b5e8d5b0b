import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: `http://127.0.0.1:${process.env["PORT"] ?? 8000}/graphql`,
  documents: "src/**/*.{ts,tsx}",
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        enumsAsTypes: true,
        futureProofEnums: true, // a new value of an enum is no surprise for a program that is already built
        strictScalars: true, // a scalar that is not listed here is an error, not `any`
        useTypeImports: true,
        scalars: {
          CountryCode: "string",
          CurrencyCode: "string",
          Date: "string",
          DateTime: "string",
          Decimal: "`${number}`", // a string with a number in it, as Intl.NumberFormat takes it
          Locale: "string",
        },
      },
    },
  },
};

export default config;
