import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** PORT is the gateway's; the demo uses it and the next one, and this page the one after that. */
const gateway = Number(process.env["PORT"] ?? 8000);
const server = {
  host: "127.0.0.1",
  port: gateway + 2,
  strictPort: true,
  proxy: { "/graphql": `http://127.0.0.1:${gateway}` }, // one origin: nothing has to be allowed
};

export default defineConfig({ plugins: [react()], server, preview: server, build: { chunkSizeWarningLimit: 700 } });
