// The catalog in memory, read from a response of the gateway, and the schema that serves it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';

const CHANNELS = ['web', 'till', 'market'];

export const [port, file] = process.argv.slice(2);

const products = JSON.parse(readFileSync(file, 'utf8')).data.products.nodes.map(buildProduct);

function buildProduct({ id, handle, title, featuredImage, variants }) {
  return { id, handle, title, featuredImage, variants: variants.nodes.map(buildVariant) };
}

function buildVariant({ id, sku, title, ...offers }) {
  const prices = Object.fromEntries(CHANNELS.map((key) => [key, offers[key]]));
  const stocks = Object.fromEntries(CHANNELS.map((key) => [key, offers[`${key}Stock`]]));
  return { id, sku, title, prices, stocks };
}

export const schema = buildSchema(readFileSync(fileURLToPath(new URL('schema.graphql', import.meta.url)), 'utf8'));

const resolvers = {
  Query: { products: (_, { first }) => ({ nodes: products.slice(0, first) }) },
  Product: { variants: (product, { first }) => ({ nodes: product.variants.slice(0, first) }) },
  Variant: {
    price: (variant, { channelKey }) => variant.prices[channelKey],
    stock: (variant, { channelKey }) => variant.stocks[channelKey],
  },
};

for (const [type, fields] of Object.entries(resolvers)) {
  for (const [name, resolve] of Object.entries(fields)) {
    schema.getType(type).getFields()[name].resolve = resolve;
  }
}

export function reportReady() {
  process.stdout.write('ready\n');
}
