// GraphQL Yoga on Node's own HTTP server, without its page and log.

import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { port, reportReady, schema } from './catalog.js';

const yoga = createYoga({ schema, graphiql: false, logging: false });
createServer(yoga).listen(Number(port), '127.0.0.1', reportReady);
