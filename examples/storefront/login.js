/* The login at the issuer: the authorization code flow of OpenID Connect with PKCE (RFC 7636). */
import { assignCart } from "./cart.js";
import { element } from "./dom.js";
import { show, showMessage } from "./page.js";
import { storeToken } from "./token.js";

const STORED = "storefront login attempt";
const REDIRECT_URI = `${location.origin}/storefront/login`;
const ACCOUNT = "/storefront/account";

class LoginError extends Error {}

async function loadIssuer() {
  return (await fetch("/storefront/login.json")).json();
}

function encode(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function createSecret() {
  return encode(crypto.getRandomValues(new Uint8Array(32)));
}

async function computeChallenge(verifier) {
  return encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/* Opens the issuer's login page. The customer comes back to `returnPath`. */
export async function startLogin(returnPath = location.pathname + location.search) {
  const { authorizationEndpoint, clientId } = await loadIssuer();
  const attempt = { state: createSecret(), nonce: createSecret(), verifier: createSecret(), returnPath };
  sessionStorage.setItem(STORED, JSON.stringify(attempt));
  const parameters = new URLSearchParams({
    response_type: "code",
    scope: "openid profile email",
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await computeChallenge(attempt.verifier),
    code_challenge_method: "S256",
  });
  location.assign(`${authorizationEndpoint}?${parameters}`);
}

/* Creates a button that starts the login. */
export function renderLoginButton(returnPath) {
  const start = () => startLogin(returnPath).catch((error) => showMessage(error.message));
  return element("button", { type: "button", class: "main", onclick: start }, "Log in");
}

/* Returns the attempt that this redirect answers. It can be used once. */
function takeAttempt(parameters) {
  const attempt = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
  sessionStorage.removeItem(STORED);
  if (!attempt || attempt.state !== parameters.get("state")) throw new LoginError("This login was not started in this window.");
  if (!parameters.get("code")) throw new LoginError("The login was canceled.");
  return attempt;
}

async function exchangeCode(code, attempt) {
  const issuer = await loadIssuer();
  const response = await fetch(issuer.tokenEndpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      client_id: issuer.clientId,
      redirect_uri: REDIRECT_URI,
      code_verifier: attempt.verifier,
    }),
  });
  if (!response.ok) throw new LoginError("The login has expired.");
  const { id_token: token } = await response.json();
  checkClaims(parseClaims(token), issuer, attempt);
  return token;
}

/* The token comes from the issuer itself, so its claims are compared here, and its signature is checked by the gateway. */
function checkClaims({ iss, aud, nonce }, issuer, attempt) {
  if (iss !== issuer.issuer || ![aud].flat().includes(issuer.clientId) || nonce !== attempt.nonce) {
    throw new LoginError("The token is of another login.");
  }
}

function parseClaims(token) {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0))));
}

/* Completes a login with the code in the URL, which is removed at once; without a code, starts one. */
export async function showLogin(draw, parameters) {
  if (!parameters.has("state")) return startLogin(ACCOUNT);
  history.replaceState(null, "", ACCOUNT);
  try {
    const attempt = takeAttempt(parameters);
    storeToken(await exchangeCode(parameters.get("code"), attempt));
    history.replaceState(null, "", attempt.returnPath);
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    return draw("Log in", element("h1", {}, "Log in"), element("p", {}, `${error.message} Please try again.`), renderLoginButton(ACCOUNT));
  }
  await assignCart().catch(() => undefined); // without a response it is sent again with the next page
  return show();
}
