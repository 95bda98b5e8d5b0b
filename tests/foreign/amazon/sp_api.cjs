// amazon-sp-api for Node.js: reads, writes and fails, and prints what it got as JSON. Argument: the account, as JSON.
'use strict'

const http = require('node:http')
const https = require('node:https')

const account = JSON.parse(process.argv[2])
const sandbox = new URL(account.address)

// The library knows Amazon's hosts only, so requests to them are sent to the sandbox.
https.request = (options, listener) =>
  http.request({ ...options, hostname: sandbox.hostname, port: sandbox.port, protocol: 'http:' }, listener)

const { SellingPartner } = require('amazon-sp-api')

const versions = { orders: '2026-01-01', listingsItems: '2021-08-01', feeds: '2021-06-30' }
const xml = 'text/xml; charset=UTF-8'
const query = { marketplaceIds: account.store }

function build(refreshToken = account.refresh_token) {
  return new SellingPartner({
    region: 'eu',
    refresh_token: refreshToken,
    endpoints_versions: versions,
    credentials: {
      SELLING_PARTNER_APP_CLIENT_ID: account.client_id,
      SELLING_PARTNER_APP_CLIENT_SECRET: account.client_secret,
    },
  })
}

async function listAll(client, operation, path, base, token, field) {
  const items = []
  let next
  do {
    const page = await client.callAPI({ operation, path, query: { ...base, ...(next ? { [token]: next } : {}) } })
    items.push(...page[field])
    next = page.nextToken ?? page.pagination?.nextToken
  } while (next)
  return items
}

const steps = {
  async read() {
    const client = build()
    const seller = { sellerId: account.seller }
    const listing = { ...query, pageSize: 20, includedData: ['summaries', 'offers'] }
    const granularity = { ...query, granularityType: 'Marketplace', granularityId: account.store, details: true }
    const listings = await listAll(client, 'listingsItems.searchListingsItems', seller, listing, 'pageToken', 'items')
    const since = { createdAfter: account.since }
    const orders = await listAll(client, 'orders.searchOrders', {}, since, 'paginationToken', 'orders')
    const operation = 'fbaInventory.getInventorySummaries'
    const stock = await listAll(client, operation, {}, granularity, 'nextToken', 'inventorySummaries')
    const one = await client.callAPI({ operation: 'orders.getOrder', path: { orderId: orders[0].orderId } })
    return {
      listings: listings.map((item) => item.sku),
      orders: orders.map((order) => order.orderId),
      stock: stock.map((summary) => summary.sellerSku),
      order: one.order.orderId,
    }
  },

  async write() {
    const client = build()
    const path = { sellerId: account.seller, sku: account.sku }
    const patches = []
    for (const mode of [{ mode: 'VALIDATION_PREVIEW' }, {}]) {
      const operation = 'listingsItems.patchListingsItem'
      patches.push((await client.callAPI({ operation, path, query: { ...query, ...mode }, body: account.patch })).status)
    }
    const document = await client.callAPI({ operation: 'feeds.createFeedDocument', body: { contentType: xml } })
    await client.upload(document, { content: account.feed, contentType: xml })
    const body = {
      feedType: 'POST_ORDER_FULFILLMENT_DATA',
      marketplaceIds: [account.store],
      inputFeedDocumentId: document.feedDocumentId,
    }
    const { feedId } = await client.callAPI({ operation: 'feeds.createFeed', body })
    const feed = await client.callAPI({ operation: 'feeds.getFeed', path: { feedId } })
    const report = await client.callAPI({
      operation: 'feeds.getFeedDocument',
      path: { feedDocumentId: feed.resultFeedDocumentId },
    })
    return {
      patches,
      document: document.feedDocumentId,
      feed: feed.processingStatus,
      report: await client.download(report),
    }
  },

  async errors() {
    const client = build()
    const search = (sellerId, more) => ({
      operation: 'listingsItems.searchListingsItems',
      path: { sellerId },
      query: { ...query, ...more },
    })
    const missing = { operation: 'orders.getOrder', path: { orderId: '202-0000000-9999999' } }
    const wrong = {
      invalid: () => client.callAPI(search(account.seller, { pageSize: 21 })),
      missing: () => client.callAPI(missing),
      denied: () => client.callAPI(search('A2OTHER', {})),
      login: () => build('Atzr|other').callAPI(missing),
    }
    const found = {}
    for (const [name, request] of Object.entries(wrong)) {
      found[name] = await request().then(
        () => 'no error',
        (error) => `${error.constructor.name} ${error.code}`,
      )
    }
    return found
  },

  async throttle() {
    const client = build()
    const path = { sellerId: account.seller, sku: account.sku }
    const answers = []
    for (let number = 0; number < account.requests; number += 1) {
      answers.push((await client.callAPI({ operation: 'listingsItems.getListingsItem', path, query })).sku)
    }
    return { answers }
  },

  // A token that has expired is replaced by the library, because the error says so.
  async expiry() {
    const client = build()
    const path = { sellerId: account.seller, sku: account.sku }
    const answers = []
    for (let number = 0; number < 2; number += 1) {
      answers.push((await client.callAPI({ operation: 'listingsItems.getListingsItem', path, query })).sku)
      await new Promise((resolve) => setTimeout(resolve, account.token_lifetime * 1000 + 100))
    }
    return { answers }
  },
}

steps[account.step]().then(
  (result) => console.log(JSON.stringify(result)),
  (error) => {
    console.error(error)
    process.exitCode = 1
  },
)
