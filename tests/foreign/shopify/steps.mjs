// What the clients for Node.js have in common. Argument of a script: the store and the step, as JSON.
export const store = JSON.parse(process.argv[2])

// The libraries know the store's own domain only, so requests to it are sent to the sandbox.
const plainFetch = globalThis.fetch
globalThis.fetch = (url, options) => {
  const { pathname, search } = new URL(url)
  return plainFetch(new URL(pathname + search, store.address), options)
}

export async function listAll(execute) {
  const ids = []
  let after = null
  do {
    const { products } = await execute(store.list.query, { ...store.list.variables, after })
    ids.push(...products.nodes.map((node) => node.id))
    after = products.pageInfo.hasNextPage ? products.pageInfo.endCursor : null
  } while (after)
  return ids
}

export async function run(steps) {
  try {
    console.log(JSON.stringify(await steps[store.step]()))
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  }
}

// Describe how each wrong request fails.
export async function describeFailures(requests) {
  const failures = {}
  for (const [name, request] of Object.entries(requests)) failures[name] = await request()
  return failures
}
