// @shopify/admin-api-client: pages, writes, is throttled and fails, and prints what it got as JSON.
import { describeFailures, listAll, run, store } from './steps.mjs'

const { createAdminApiClient } = await import('@shopify/admin-api-client')

function open(more = {}) {
  const { shop: storeDomain, version: apiVersion, token: accessToken } = store
  return createAdminApiClient({ storeDomain, apiVersion, accessToken, customFetchApi: globalThis.fetch, ...more })
}

async function execute(query, variables, more) {
  const { data, errors } = await open(more).request(query, { variables })
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

async function fail(query, more) {
  const { errors } = await open(more).request(query)
  const inner = errors.graphQLErrors?.[0]
  return `${errors.networkStatusCode} ${inner?.extensions?.code ?? inner?.message ?? ''}`.trim()
}

await run({
  list: () => listAll(execute),
  write: async () => (await execute(store.write.query, store.write.variables)).inventoryAdjustQuantities,
  throttle: async () => (await execute('{ shop { currencyCode } }', {}, { retries: 2 })).shop,
  errors: () =>
    describeFailures({
      token: () => fail('{ shop { id } }', { accessToken: 'shpat_other' }),
      version: () => fail('{ shop { id } }', { apiVersion: '2020-01' }),
      document: () => fail('{ nothing }'),
      identity: () => fail('{ order(id: "gid://shopify/Product/1") { id } }'),
    }),
  exhausted: () => describeFailures({ throttled: () => fail('{ shop { id } }', { retries: 2 }) }),
})
