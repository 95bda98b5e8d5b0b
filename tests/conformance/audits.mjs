// Puts a running server to the audits of GraphQL over HTTP: node audits.mjs URL. One line of JSON an audit.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, id, name, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason }));
}
