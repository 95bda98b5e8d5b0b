// GraphiQL with its explorer, for the gateway that serves this page.
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useGraphiQLActions } from "@graphiql/react";
import { createRoot } from "react-dom/client";
import "./page.css";

const folder = new URL("graphql/", location.href);
const tabs = JSON.parse(document.getElementById("tabs").textContent);

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, folder)),
};

// The token is kept in memory only: not in the browser's storage, and in no history.
let token = "";

function fetchWithToken(address, options) {
  const headers = new Headers(options.headers);
  if (token && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
  return fetch(address, { ...options, headers });
}

const isWide = matchMedia("(min-width: 701px)").matches;
const fetcher = createGraphiQLFetcher({ url: location.pathname, fetch: fetchWithToken });
const plugins = [HISTORY_PLUGIN, explorerPlugin()];

function TokenField() {
  const { introspect } = useGraphiQLActions();
  return (
    <label className="token">
      Token
      <input
        id="token"
        type="password"
        autoComplete="off"
        placeholder="if you have one"
        onChange={(event) => (token = event.target.value.trim())}
        onBlur={() => introspect()} // where only some tokens may read the schema
      />
    </label>
  );
}

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      defaultTabs={tabs}
      defaultEditorToolsVisibility={isWide}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>
        <TokenField />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById("page")).render(<Page />);
