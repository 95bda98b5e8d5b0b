// Retries failed requests: after network failures, and when the gateway is overloaded.
import { ApolloLink, ServerError } from "@apollo/client";
import { defer, map, retry, throwError, timer, type Observable } from "rxjs";

const OVERLOAD_CODES = new Set(["OVERLOADED", "RATE_LIMITED"]);

/** The gateway rejected the request, and may accept it after `seconds`. */
export class OverloadedError extends Error {
  constructor(
    readonly code: string,
    readonly seconds: number,
  ) {
    super(`${code}: try again in ${seconds} s`);
    this.name = "OverloadedError";
  }
}

/** Retrying is always safe: queries change nothing, and every mutation has an idempotency key. */
export function createRetryLink(times = 3): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const attempt = defer(() => forward(operation)).pipe(
      map((result) => {
        const code = getErrorCode(result);
        if (code !== undefined && OVERLOAD_CODES.has(code)) throw new OverloadedError(code, getRetryAfter(operation));
        return result;
      }),
    );
    return attempt.pipe(retry({ count: times, delay: waitBeforeRetry }));
  });
}

function waitBeforeRetry(error: unknown, attempt: number): Observable<unknown> {
  if (error instanceof OverloadedError) return timer(1_000 * (error.seconds + Math.random()));
  if (isNetworkFailure(error)) return timer(250 * 2 ** attempt * Math.random());
  return throwError(() => error);
}

/** Whether the request failed in the network (fetch throws a TypeError), or in a proxy or the gateway (status 5xx). */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError || (ServerError.is(error) && error.statusCode >= 500);
}

/** The code of the first error, if there is one. */
export function getErrorCode(result: ApolloLink.Result): string | undefined {
  const code: unknown = result.errors?.[0]?.extensions?.["code"];
  return typeof code === "string" ? code : undefined;
}

function getRetryAfter(operation: ApolloLink.Operation): number {
  const { response } = operation.getContext() as { response?: Response };
  return Number(response?.headers.get("retry-after") ?? 1);
}
