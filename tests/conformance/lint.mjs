// The rules of graphql-eslint over the schema, and over the documents beside it.
import { strict as assert } from "node:assert";
import { resolve } from "node:path";
import { ESLint } from "eslint";
import { check } from "./checks.mjs";
import { ALLOWED } from "./eslint.config.mjs";

const root = resolve(import.meta.dirname, "../..");
const eslint = new ESLint({ cwd: root, overrideConfigFile: "tests/conformance/eslint.config.mjs" });

async function findings(...files) {
  const results = await eslint.lintFiles(files);
  return results.flatMap(({ filePath, source, messages }) =>
    messages.map(({ line, ruleId, message }) => {
      const rule = ruleId?.replace("@graphql-eslint/", "");
      return { rule, place: source?.split("\n")[line - 1] ?? "", message: `${filePath}:${line}: ${rule}: ${message}` };
    }),
  );
}

const isFor = ({ rule, place }) => ([name, start]) => name === rule && place.startsWith(start);

const found = await findings("schema/gateway.graphql");

await check("the rules for schemas, and those for Relay", () => {
  const left = found.filter((finding) => !ALLOWED.some(isFor(finding)));
  assert.deepEqual(left.map(({ message }) => message), []);
});

await check("every exception is still needed", () => {
  const idle = ALLOWED.filter((exception) => !found.some((finding) => isFor(finding)(exception)));
  assert.deepEqual(idle, []);
});

await check("the rules for operations, over schema/operations", async () => {
  const left = await findings("schema/operations/*/*.graphql");
  assert.deepEqual(left.map(({ message }) => message), []);
});
