// The shop that the customer has picked, and where they are: both decide what is shown as available nearby.
import { useQuery } from "@apollo/client/react";
import { createContext, use, useRef, useState, type ReactNode } from "react";
import { graphql } from "../generated/gql";
import type { GeoPointInput, ShopFragment } from "../generated/graphql";
import { describeOpening, formatDistance } from "./format";

const SHOPS = graphql(`
  query Shops($near: GeoPointInput) {
    locations(first: 50, near: $near, fulfillmentMethod: PICKUP) { edges { distanceKm node { ...Shop } } }
  }
  fragment Shop on Location {
    id
    key
    name
    phone
    timeZone
    address { line1 postalCode city }
    point { latitude longitude }
    openingDays(days: 7) { ...OpeningDay }
  }
  fragment OpeningDay on OpeningDay { date exception periods { opensAt closesAt } }
`);

interface ShopState {
  shops: readonly { distanceKm?: number | null; node: ShopFragment }[];
  picked: ShopFragment | null;
  /** The customer's position, or that of the shop that they have picked. */
  near: GeoPointInput | null;
  pick(shop: ShopFragment): void;
  locate(): void;
  problem: string;
}

const ShopContext = createContext<ShopState | null>(null);

export function useShops(): ShopState {
  const shops = use(ShopContext);
  if (!shops) throw new Error("useShops needs a ShopProvider.");
  return shops;
}

/** Rounds coordinates to about a kilometer, for the privacy of the customer and for caches. */
function roundPoint({ latitude, longitude }: GeoPointInput): GeoPointInput {
  return { latitude: Number(latitude.toFixed(2)), longitude: Number(longitude.toFixed(2)) };
}

interface Choice {
  key: string;
  point: GeoPointInput | null;
}

const CHOICE = "react-shop shop";

function readChoice(): Choice | null {
  return JSON.parse(localStorage.getItem(CHOICE) ?? "null") as Choice | null;
}

export function ShopProvider({ children }: { children: ReactNode }) {
  const [position, setPosition] = useState<GeoPointInput | null>(null);
  const [choice, setChoice] = useState(readChoice);
  const [problem, setProblem] = useState("");
  const { data, previousData } = useQuery(SHOPS, { variables: { near: position } });
  const shops = (data ?? previousData)?.locations?.edges ?? [];
  const picked = shops.find(({ node }) => node.key === choice?.key)?.node ?? shops[0]?.node ?? null;
  const near = position ?? choice?.point ?? null; // known before the shops are loaded: nothing waits for them
  const state: ShopState = {
    shops,
    picked,
    near,
    problem,
    pick({ key, point }) {
      const next = { key, point: point ? roundPoint(point) : null };
      localStorage.setItem(CHOICE, JSON.stringify(next));
      setChoice(next);
    },
    locate: () =>
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => setPosition(roundPoint(coords)),
        () => setProblem("Your position is not available. Please choose a shop."),
        { maximumAge: 600_000, timeout: 10_000 },
      ),
  };
  return <ShopContext value={state}>{children}</ShopContext>;
}

export function ShopPicker() {
  const { picked } = useShops();
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" className="quiet shop-button" onClick={() => dialog.current?.showModal()}>
        <span className="visually-hidden">Your shop: </span>
        {picked?.name ?? "Choose a shop"}
      </button>
      <ShopDialog dialog={dialog} />
    </>
  );
}

function ShopDialog({ dialog }: { dialog: React.RefObject<HTMLDialogElement | null> }) {
  const { shops, picked, pick, locate, problem } = useShops();
  const choose = (shop: ShopFragment) => {
    pick(shop);
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="shop-title">
      <h2 id="shop-title">Choose your shop</h2>
      <button type="button" className="quiet" onClick={locate}>
        Use my position
      </button>
      <p role="status">{problem}</p>
      <ul className="plain">
        {shops.map(({ node, distanceKm }) => (
          <li key={node.key} className="shop">
            <ShopText shop={node} distanceKm={distanceKm ?? null} />
            <button type="button" aria-pressed={node.key === picked?.key} onClick={() => choose(node)}>
              {node.key === picked?.key ? "Your shop" : "Choose"}
              <span className="visually-hidden"> {node.name}</span>
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="quiet" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

export function ShopText({ shop, distanceKm }: { shop: ShopFragment; distanceKm: number | null }) {
  const address = [shop.address?.line1, shop.address?.postalCode, shop.address?.city].filter(Boolean).join(", ");
  return (
    <div>
      <strong>{shop.name}</strong> <span className="muted">{formatDistance(distanceKm)}</span>
      <div className="muted">{address}</div>
      <time className="muted">{describeOpening(shop.openingDays ?? [], shop.timeZone)}</time>
    </div>
  );
}
