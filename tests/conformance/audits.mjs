// The public audits of GraphQL over HTTP.
import { strict as assert } from "node:assert";
import { serverAudits } from "graphql-http";
import { check, url } from "./checks.mjs";

for (const audit of serverAudits({ url, fetchFn: fetch })) {
  await check(audit.name, async () => {
    const { status, reason } = await audit.fn();
    assert.equal(status, "ok", reason);
  });
}
