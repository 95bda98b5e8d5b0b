// A version of the app that was retired: none of its documents is known any more.
import { ApolloLink } from "@apollo/client";
import { map } from "rxjs";
import { codeOf } from "./again.js";

/** Nothing helps but another version of the app. */
export class OutdatedError extends Error {
  constructor() {
    super("This version is not served any more: please update the app.");
    this.name = "OutdatedError";
  }
}

export function outdated(): ApolloLink {
  return new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      map((result) => {
        if (codeOf(result) === "PERSISTED_QUERY_NOT_FOUND") throw new OutdatedError();
        return result;
      }),
    ),
  );
}
