// Mercurius on Fastify; documents are compiled by graphql-jit when they are executed for the second time.

import Fastify from 'fastify';
import mercurius from 'mercurius';
import { port, reportReady, schema } from './catalog.js';

const app = Fastify({ logger: false });
app.register(mercurius, { schema, jit: 1 });
await app.listen({ port: Number(port), host: '127.0.0.1' });
reportReady();
