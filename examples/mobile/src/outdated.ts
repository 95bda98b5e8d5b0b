// Detects that this version of the app was retired: the gateway no longer accepts its documents.
import { ApolloLink } from "@apollo/client";
import { map } from "rxjs";
import { getErrorCode } from "./retry.js";

/** The user has to update the app. */
export class OutdatedError extends Error {
  constructor() {
    super("This version is no longer supported. Please update the app.");
    this.name = "OutdatedError";
  }
}

export function createOutdatedLink(): ApolloLink {
  return new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      map((result) => {
        if (getErrorCode(result) === "PERSISTED_QUERY_NOT_FOUND") throw new OutdatedError();
        return result;
      }),
    ),
  );
}
