// What is ordered, and the access token of the last order: it grants access, so it is never part of a URL.
import type { OrderPlaceInput } from "../generated/graphql";
import { Decision } from "./intents";

export type Choice = Omit<OrderPlaceInput, "idempotencyKey">;

/** The order that has no response yet. */
export const decision = new Decision<Choice>(localStorage, "react-shop order");

const STORED = "react-shop placed order";

export function storeOrder(accessToken: string): void {
  decision.clear();
  localStorage.setItem(STORED, accessToken);
}

export function findOrder(): string | null {
  return localStorage.getItem(STORED);
}
