// Apollo Server as its documentation starts it alone.

import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { port, reportReady, schema } from './catalog.js';

const server = new ApolloServer({ schema });
await startStandaloneServer(server, { listen: { port: Number(port), host: '127.0.0.1' } });
reportReady();
