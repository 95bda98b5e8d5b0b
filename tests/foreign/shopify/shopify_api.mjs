// @shopify/shopify-api: gets a token, pages, writes, verifies a webhook, is throttled and fails.
import { describeFailures, listAll, run, store } from './steps.mjs'

await import('@shopify/shopify-api/adapters/node')
const { shopifyApi, Session, LogSeverity } = await import('@shopify/shopify-api')

const shopify = shopifyApi({
  apiKey: store.client_id,
  apiSecretKey: store.secret,
  apiVersion: store.version,
  hostName: 'app.example.com',
  isEmbeddedApp: true,
  logger: { level: LogSeverity.Error },
})

function open(accessToken = store.token, apiVersion = store.version) {
  const session = new Session({ id: 'session', shop: store.shop, state: '', isOnline: false, accessToken })
  return new shopify.clients.Graphql({ session, apiVersion })
}

async function execute(query, variables, retries = 0) {
  return (await open().request(query, { variables, retries })).data
}

function fail(query, ...access) {
  return open(...access)
    .request(query)
    .then(
      () => 'no error',
      (error) => `${error.constructor.name} ${error.response?.code ?? error.body?.errors?.graphQLErrors?.length ?? ''}`,
    )
}

async function validate(headers, rawBody) {
  const rawRequest = { method: 'POST', url: '/webhooks', headers }
  const { valid, topic, domain, apiVersion, reason } = await shopify.webhooks.validate({ rawBody, rawRequest })
  return valid ? { topic, domain, apiVersion } : { reason }
}

await run({
  async token() {
    const { session } = await shopify.auth.clientCredentials({ shop: store.shop })
    return { token: session.accessToken, scope: session.scope }
  },
  list: () => listAll(execute),
  write: async () => (await execute(store.write.query, store.write.variables)).inventoryAdjustQuantities,
  async webhook() {
    const { headers, body } = store.delivery
    return { genuine: await validate(headers, body), forged: await validate(headers, `${body} `) }
  },
  throttle: async () => (await execute('{ shop { currencyCode } }', {}, 2)).shop,
  errors: () =>
    describeFailures({
      token: () => fail('{ shop { id } }', 'shpat_other'),
      version: () => fail('{ shop { id } }', store.token, '2020-01'),
      document: () => fail('{ nothing }'),
      identity: () => fail('{ order(id: "gid://shopify/Product/1") { id } }'),
    }),
  exhausted: () => describeFailures({ throttled: () => fail('{ shop { id } }') }),
})
