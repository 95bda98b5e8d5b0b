// A network that fails, for the tests.

export interface Network {
  fetch: typeof fetch;
  /** Whether there is a connection. */
  online: boolean;
  /** Names of operations whose next response is lost, after the gateway has executed them. */
  lost: string[];
  /** Inputs of the mutations that were sent, by operation. */
  sent: Map<string, unknown[]>;
}

export function createNetwork(): Network {
  const network: Network = { online: true, lost: [], sent: new Map(), fetch: send };

  async function send(address: Parameters<typeof fetch>[0], options?: RequestInit): Promise<Response> {
    if (!network.online) throw new TypeError("fetch failed");
    const { operationName = "", variables } = readRequest(options);
    network.sent.set(operationName, [...(network.sent.get(operationName) ?? []), variables?.input]);
    const response = await fetch(address, options);
    const position = network.lost.indexOf(operationName);
    if (position < 0) return response;
    network.lost.splice(position, 1);
    throw new TypeError("fetch failed");
  }
  return network;
}

function readRequest(options?: RequestInit): { operationName?: string; variables?: { input?: unknown } } {
  return typeof options?.body === "string" ? (JSON.parse(options.body) as object) : {};
}
