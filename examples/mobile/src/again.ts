// Sends again what came to nothing: because the network broke, or because the gateway had too much to do.
import { ApolloLink, ServerError } from "@apollo/client";
import { defer, map, retry, throwError, timer, type Observable } from "rxjs";

const BUSY = new Set(["OVERLOADED", "RATE_LIMITED"]);

/** The gateway would take it later. */
export class BusyError extends Error {
  constructor(
    readonly code: string,
    readonly seconds: number,
  ) {
    super(`${code}: try again in ${seconds} s`);
    this.name = "BusyError";
  }
}

/** Everything may be sent again: queries change nothing, and every mutation has an idempotency key. */
export function again(times = 3): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const attempt = defer(() => forward(operation)).pipe(
      map((result) => {
        const code = codeOf(result);
        if (code !== undefined && BUSY.has(code)) throw new BusyError(code, secondsOf(operation));
        return result;
      }),
    );
    return attempt.pipe(retry({ count: times, delay: wait }));
  });
}

function wait(error: unknown, attempt: number): Observable<unknown> {
  if (error instanceof BusyError) return timer(1_000 * (error.seconds + Math.random()));
  if (broke(error)) return timer(250 * 2 ** attempt * Math.random());
  return throwError(() => error);
}

/** Whether the network broke, as fetch says it, or something between here and the gateway. */
function broke(error: unknown): boolean {
  return error instanceof TypeError || (ServerError.is(error) && error.statusCode >= 500);
}

/** What is wrong with the whole request, or with its first field. */
export function codeOf(result: ApolloLink.Result): string | undefined {
  const code: unknown = result.errors?.[0]?.extensions?.["code"];
  return typeof code === "string" ? code : undefined;
}

function secondsOf(operation: ApolloLink.Operation): number {
  const { response } = operation.getContext() as { response?: Response };
  return Number(response?.headers.get("retry-after") ?? 1);
}
