// graphql-codegen: types and ids of a storefront's documents, a program that tsc takes with --strict, and its run.
import { strict as assert } from "node:assert";
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check, folder, push, run, token, url } from "./checks.mjs";

const here = import.meta.dirname;
const app = join(folder, "storefront");
const command = (name) => join(here, "node_modules", ".bin", name);

await check("it takes the schema and the documents of schema/operations, every scalar with a type", async () => {
  await mkdir(app, { recursive: true });
  await symlink(join(here, "node_modules"), join(app, "node_modules"));
  await cp(resolve(here, "../../schema"), join(app, "schema"), { recursive: true });
  for (const file of ["config.mjs", "tsconfig.json", "storefront.ts"]) await copyFile(join(here, "codegen", file), join(app, file));
  await writeFile(join(app, "package.json"), '{"type": "module"}');
  await run(command("graphql-codegen"), ["--config", "config.mjs"], { cwd: app });
});

await check("tsc --strict has nothing to say of what it made, and of a program that uses it", () =>
  run(command("tsc"), ["--strict"], { cwd: app }),
);

await check("its manifest is pushed with the command", async () => {
  await push(JSON.parse(await readFile(join(app, "generated", "persisted-documents.json"))), "codegen");
});

await check("the program runs by ids where nothing else does", async () => {
  const { visit } = await import(pathToFileURL(join(app, "built", "storefront.js")));
  assert.deepEqual(await visit(url, token, crypto.randomUUID()), []);
});
