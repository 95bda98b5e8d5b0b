// The customer's login at the issuer: the authorization code flow of OpenID Connect with PKCE (RFC 7636).
import { ApolloLink } from "@apollo/client";
import { from, mergeMap } from "rxjs";
import { getErrorCode } from "./retry.js";

const TOKEN = "login token";
const ATTEMPT = "login attempt";
const REFUSED_CODES = new Set(["UNAUTHENTICATED", "TOKEN_EXPIRED"]);

/** Encrypted storage of the phone, such as the keychain: not the storage of carts. */
export interface SecureStorage {
  read(key: string): Promise<string | null>;
  write(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** The issuer, and the app as its client. `redirectUri` is a link that opens the app. */
export interface Issuer {
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  clientId: string;
  redirectUri: string;
}

/** What a login page was opened with: its redirect is compared with it. */
interface Attempt {
  state: string;
  nonce: string;
  verifier: string;
}

interface Claims {
  iss?: string;
  aud?: string | string[];
  nonce?: string;
}

/** The customer is not logged in any more, and has to log in again. */
export class LoginRequiredError extends Error {
  constructor() {
    super("Please log in again.");
    this.name = "LoginRequiredError";
  }
}

/** The redirect is not the answer to the login page that was opened last. */
export class LoginFailedError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "LoginFailedError";
  }
}

export class Login {
  constructor(
    private readonly issuer: Issuer,
    private readonly storage: SecureStorage,
    private readonly fetch: typeof globalThis.fetch = globalThis.fetch,
  ) {}

  /** Returns the URL of the login page. Open it in the system's browser, not in a view of the app. */
  async buildUrl(): Promise<string> {
    const attempt = { state: createSecret(), nonce: createSecret(), verifier: createSecret() };
    await this.storage.write(ATTEMPT, JSON.stringify(attempt));
    const parameters = new URLSearchParams({
      response_type: "code",
      scope: "openid profile email",
      client_id: this.issuer.clientId,
      redirect_uri: this.issuer.redirectUri,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await computeChallenge(attempt.verifier),
      code_challenge_method: "S256",
    });
    return `${this.issuer.authorizationEndpoint}?${parameters.toString()}`;
  }

  /**
   * Completes the login with the link that opened the app.
   *
   * @throws LoginFailedError the login was canceled, has expired, or was not started by this app
   */
  async complete(redirect: string): Promise<void> {
    const parameters = new URL(redirect).searchParams;
    const attempt = await this.takeAttempt();
    if (attempt === null || attempt.state !== parameters.get("state")) throw new LoginFailedError("The login is another one.");
    const code = parameters.get("code");
    if (code === null) throw new LoginFailedError("The login was canceled.");
    const token = await this.exchangeCode(code, attempt.verifier);
    this.checkClaims(parseClaims(token), attempt);
    await this.storage.write(TOKEN, token);
  }

  getToken(): Promise<string | null> {
    return this.storage.read(TOKEN);
  }

  /** Logs out. The app forgets the token; it is valid until it expires. */
  logOut(): Promise<void> {
    return this.storage.remove(TOKEN);
  }

  /** Drops a token that the gateway has refused, unless the customer has logged in again meanwhile. */
  async expire(token: string): Promise<void> {
    if ((await this.getToken()) === token) await this.logOut();
  }

  /** Returns the attempt. It can be used once. */
  private async takeAttempt(): Promise<Attempt | null> {
    const stored = await this.storage.read(ATTEMPT);
    await this.storage.remove(ATTEMPT);
    return JSON.parse(stored ?? "null") as Attempt | null;
  }

  private async exchangeCode(code: string, verifier: string): Promise<string> {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code,
      client_id: this.issuer.clientId,
      redirect_uri: this.issuer.redirectUri,
      code_verifier: verifier,
    });
    const response = await this.fetch(this.issuer.tokenEndpoint, { method: "POST", body });
    if (!response.ok) throw new LoginFailedError("The login has expired.");
    const { id_token: token } = (await response.json()) as { id_token?: string };
    if (token === undefined) throw new LoginFailedError("The issuer sent no ID token.");
    return token;
  }

  /** The token comes from the issuer itself: its claims are compared here, and its signature is checked by the gateway. */
  private checkClaims({ iss, aud, nonce }: Claims, attempt: Attempt): void {
    const isOurs = iss === this.issuer.issuer && [aud].flat().includes(this.issuer.clientId);
    if (!isOurs || nonce !== attempt.nonce) throw new LoginFailedError("The token is of another login.");
  }
}

/** Sends the token as a bearer token. If the gateway refuses it, it is dropped, and the app asks for a login. */
export function createLoginLink(login: Login): ApolloLink {
  return new ApolloLink((operation, forward) =>
    from(login.getToken()).pipe(
      mergeMap((token) => {
        if (token === null) return forward(operation);
        operation.setContext({ headers: { authorization: `Bearer ${token}` } });
        return forward(operation).pipe(mergeMap((result) => checkAccepted(result, login, token)));
      }),
    ),
  );
}

async function checkAccepted(result: ApolloLink.Result, login: Login, token: string): Promise<ApolloLink.Result> {
  if (!REFUSED_CODES.has(getErrorCode(result) ?? "")) return result;
  await login.expire(token);
  throw new LoginRequiredError();
}

function createSecret(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)));
}

async function computeChallenge(verifier: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function parseClaims(token: string): Claims {
  const text = atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)))) as Claims;
}
